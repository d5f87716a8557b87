import { writtenKeys } from "../layout/memory-key.ts";
import { encodeTtl, type MemoryInput } from "./common-input.ts";
import { writing } from "./log.lua.ts";
import { replyParser, type ScriptFailure } from "./reply-parser.ts";
import { type Script, type ScriptInput, script } from "./script.ts";

export interface ConvertInput extends MemoryInput {
  /** That of go-deep-agent. */
  readonly value: string;
  /** The log's. */
  readonly epoch: string;
  readonly entries: readonly string[];
}

export type ConvertReply =
  | { readonly what: "converted"; readonly now: number }
  /** It is not that value any more. */
  | { readonly what: "other"; readonly now: number }
  | ScriptFailure;

/** Puts a log in the place of a value of go-deep-agent, if it is still that value. */
export const CONVERT: Script<ConvertInput, ConvertReply> = script(
  `${writing}
local key, index, ttl, member = KEYS[1], KEYS[2], ARGV[4], ARGV[5]
local value = redis.pcall('GET', key)
if refused(value) and not string.find(value.err, 'WRONGTYPE', 1, true) then redis.call('GET', key) end
if value ~= ARGV[2] then return {'other', stamp} end
-- Nothing is removed before the rest is known to be allowed: of a push, the wrong type is all that may be wrong.
local failure = redis.pcall('RPUSH', key, '')
if refused(failure) and not string.find(failure.err, 'WRONGTYPE', 1, true) then return {'refused', stamp, failure.err} end
-- And of a time to live that is invalid, that it is.
failure = ttl ~= '0' and redis.pcall('PEXPIRE', key, '')
if refused(failure) and not string.find(failure.err, 'not an integer', 1, true) then return {'refused', stamp, failure.err} end
tryIndex(index, member)
local written = milliseconds(now)
local values = {headerOf(ARGV[3], written, written, #ARGV - 5, 0)}
for number = 6, #ARGV do values[#values + 1] = ARGV[number] end
redis.call('UNLINK', key)
failure = push(key, values, 1)
-- What is new lives for ever.
if not refused(failure) and ttl ~= '0' then failure = renew(key, ttl) end
if refused(failure) then return {'halfway', stamp, failure.err} end
enlist(index, now, member)
return {'converted', stamp}
`,
  encode,
  replyParser({ converted: {}, other: {} }),
);

/**
 * ARGV: 1 deadline; 2 the value; 3 the log's epoch; 4 time to live in ms ("0": for ever); 5 the memory's id; 6… its
 * entries.
 */
function encode(input: ConvertInput): ScriptInput {
  const { memoryId, settings, value, epoch, entries } = input;
  return {
    keys: writtenKeys(memoryId, settings),
    args: [value, epoch, encodeTtl(input.settings), memoryId, ...entries],
  };
}
