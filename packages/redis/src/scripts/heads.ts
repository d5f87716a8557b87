import { KEPT_OPERATIONS } from "../layout/kept-operations.ts";
import { keyOf } from "../layout/memory-key.ts";
import type { MemoryInput } from "./common-input.ts";
import { known, reading } from "./log.lua.ts";
import { replyParser, type ScriptFailure } from "./reply-parser.ts";
import { type Script, script } from "./script.ts";

export interface HeadsInput extends MemoryInput {
  /** The epoch and the next position of the step before. `undefined`: the first step, at the newest entry. */
  readonly from: { readonly epoch: string; readonly position: number } | undefined;
}

export type HeadsReply =
  | {
      readonly what: "heads";
      readonly now: number;
      readonly epoch: string;
      /** The revision of the log. */
      readonly revision: string;
      /** Where the next step begins. 0: everything was read. */
      readonly next: number;
      /** The operation ids of appends, newest first. */
      readonly appends: readonly string[];
    }
  /** The log of the step before was replaced. */
  | { readonly what: "other"; readonly now: number }
  | ScriptFailure;

/**
 * Reads the operation ids of the newest appends, and no records. A step ends after 64 entries or 256 KiB of them, so
 * that other clients are served in between.
 */
export const HEADS: Script<HeadsInput, HeadsReply> = script(
  `${reading}${known}
local key, epoch, from = KEYS[1], ARGV[1], tonumber(ARGV[2])
local log, instead = open(key)
if not log then return instead end
if epoch ~= '' and epoch ~= log.epoch then return {'other', stamp} end
local at = timeAt(key, log, log.position)
if not at then return {'damaged', stamp} end
local appends, position, bytes = {}, math.min(from or log.position, log.position), 0
while position > log.dropped and #appends < ${KEPT_OPERATIONS} and bytes < 262144 do
  local entry = redis.call('LINDEX', key, position - log.position - 1)
  local operation = string.match(entry, '^{"t":"([^"]*)"')
  -- The entries of a save stand before all others.
  if operation == log.epoch or isMark(entry) then position = log.dropped break end
  appends[#appends + 1] = operation
  position = position - 1
  bytes = bytes + #entry
end
if position <= log.dropped then
  local kept = knownBy(redis.call('LINDEX', key, 1)).appends
  for number = #kept, 1, -1 do appends[#appends + 1] = kept[number] end
  position = 0
end
return {'heads', stamp, log.epoch, log.epoch .. '.' .. round(log.position) .. '.' .. at, round(position), table.concat(appends, ',')}
`,
  ({ memoryId, settings, from }) => ({
    keys: [keyOf(memoryId, settings)],
    // ARGV: 1 the epoch of the step before (""): this is the first one; 2 the position at which this step begins.
    args: [from?.epoch ?? "", String(from?.position ?? "")],
  }),
  replyParser({
    heads: {
      epoch: String,
      revision: String,
      next: Number,
      // Ids have no comma. A text, because ioredis-mock cannot return a list that a script has made.
      appends: (text) =>
        String(text)
          .split(",")
          .filter((id) => id !== ""),
    },
    other: {},
  }),
);
