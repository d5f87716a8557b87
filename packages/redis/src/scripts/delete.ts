import { writtenKeys } from "../layout/memory-key.ts";
import type { MemoryInput } from "./common-input.ts";
import { writing } from "./log.lua.ts";
import { replyParser, type ScriptFailure } from "./reply-parser.ts";
import { type Script, type ScriptInput, script } from "./script.ts";

export interface DeleteInput extends MemoryInput {
  /** The epoch that was seen; `"!string"`: a value of go-deep-agent, `"!damaged"`: a damaged list, {@link NOTHING}. */
  readonly seen: string;
  /** If nothing is there, write all the same, so that a WAIT after this waits for who took it away. */
  readonly propagate: boolean;
}

export type DeleteReply =
  | { readonly what: "deleted"; readonly now: number }
  /** Something else is there than what was seen. */
  | { readonly what: "other"; readonly now: number }
  /** Deleted, but the index could not be told. */
  | { readonly what: "unlisted"; readonly now: number; readonly error: string }
  | ScriptFailure;

/** Removes what the caller saw. */
export const DELETE: Script<DeleteInput, DeleteReply> = script(
  `${writing}
local key, index, seen, member = KEYS[1], KEYS[2], ARGV[2], ARGV[3]
local log, instead = open(key)
local is = log and log.epoch
if not log then
  if instead[1] == 'damaged' then is = '!damaged' end
  if instead[1] == 'foreign' then
    if instead[3] ~= 'string' then return instead end
    is = '!string'
  end
end
if is then
  if is ~= seen then return {'other', stamp} end
  redis.call('UNLINK', key)
end
if index then
  local failure = redis.pcall('ZREM', index, member)
  if refused(failure) then return {'unlisted', stamp, failure.err} end
end
if is then return {'deleted', stamp} end
if ARGV[4] == 'propagate' then
  redis.call('RPUSH', key, '')
  redis.call('UNLINK', key)
  return {'deleted', stamp}
end
return {'absent', stamp}
`,
  encode,
  replyParser({ deleted: {}, other: {}, unlisted: { error: String } }),
);

/**
 * ARGV: 1 deadline; 2 the epoch that was seen ("!string": a value of go-deep-agent, "!damaged": a damaged list, "-":
 * nothing); 3 the memory's id; 4 "propagate", or "".
 */
function encode({ memoryId, settings, seen, propagate }: DeleteInput): ScriptInput {
  return { keys: writtenKeys(memoryId, settings), args: [seen, memoryId, propagate ? "propagate" : ""] };
}
