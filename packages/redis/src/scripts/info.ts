import { keyOf } from "../layout/memory-key.ts";
import type { MemoryInput } from "./common-input.ts";
import { reading } from "./log.lua.ts";
import { replyParser, type ScriptFailure } from "./reply-parser.ts";
import { type Script, script } from "./script.ts";

/** What every key has. */
interface KeyFacts {
  readonly now: number;
  /** Milliseconds; -1: for ever. */
  readonly timeToLive: number;
  readonly bytes: number;
}

export type InfoReply =
  | ({ readonly what: "log"; readonly header: string } & KeyFacts)
  /** Something else than a LIST. */
  | ({ readonly what: "foreign"; readonly type: string } & KeyFacts)
  | Exclude<ScriptFailure, { what: "foreign" }>;

/** Facts about a memory. */
export const INFO: Script<MemoryInput, InfoReply> = script(
  `${reading}
local log, instead = open(KEYS[1])
if not log and instead[1] ~= 'foreign' then return instead end
local reply = log and {'log', stamp, log.header} or instead
reply[#reply + 1] = round(redis.call('PTTL', KEYS[1]))
reply[#reply + 1] = round(redis.call('MEMORY', 'USAGE', KEYS[1]))
return reply
`,
  ({ memoryId, settings }) => ({ keys: [keyOf(memoryId, settings)], args: [] }),
  replyParser({
    log: { header: String, timeToLive: Number, bytes: Number },
    foreign: { type: String, timeToLive: Number, bytes: Number },
  }),
);
