import { keyOf } from "../layout/memory-key.ts";
import type { MemoryInput } from "./common-input.ts";
import { reading } from "./log.lua.ts";
import { replyParser, type ScriptFailure } from "./reply-parser.ts";
import { type Script, script } from "./script.ts";

export type PeekReply =
  /** `created`: ms since 1970. */
  { readonly what: "log"; readonly now: number; readonly epoch: string; readonly created: string } | ScriptFailure;

/** What is under the key, for those that have to name it: nothing is read of it. */
export const PEEK: Script<MemoryInput, PeekReply> = script(
  `${reading}
local log, instead = open(KEYS[1])
if not log then return instead end
return {'log', stamp, log.epoch, log.created}
`,
  ({ memoryId, settings }) => ({ keys: [keyOf(memoryId, settings)], args: [] }),
  replyParser({ log: { epoch: String, created: String } }),
);
