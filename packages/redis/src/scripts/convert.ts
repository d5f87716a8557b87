import { writtenKeys } from "../layout/memory-key.ts";
import { encodeTtl, type MemoryInput } from "./common-input.ts";
import { writing } from "./log.lua.ts";
import { replyParser, type ScriptFailure } from "./reply-parser.ts";
import { type Script, type ScriptInput, script } from "./script.ts";

export interface ConvertInput extends MemoryInput {
  /** The value of go-deep-agent. */
  readonly value: string;
  /** The epoch of the log. */
  readonly epoch: string;
  readonly entries: readonly string[];
}

export type ConvertReply =
  | { readonly what: "converted"; readonly now: number }
  /** The key no longer holds that value. */
  | { readonly what: "other"; readonly now: number }
  | ScriptFailure;

/** Replaces a value of go-deep-agent by a log, if the key still holds that value. */
export const CONVERT: Script<ConvertInput, ConvertReply> = script(
  `${writing}
local key, index, ttl, member = KEYS[1], KEYS[2], ARGV[4], ARGV[5]
local value = redis.pcall('GET', key)
if refused(value) and not string.find(value.err, 'WRONGTYPE', 1, true) then redis.call('GET', key) end
if value ~= ARGV[2] then return {'other', stamp} end
-- Before anything is removed, find out whether the rest is allowed: a push must fail by the wrong type alone.
local failure = redis.pcall('RPUSH', key, '')
if refused(failure) and not string.find(failure.err, 'WRONGTYPE', 1, true) then return {'refused', stamp, failure.err} end
-- And an invalid time to live must fail by being invalid alone.
failure = ttl ~= '0' and redis.pcall('PEXPIRE', key, '')
if refused(failure) and not string.find(failure.err, 'not an integer', 1, true) then return {'refused', stamp, failure.err} end
tryIndex(index, member)
local written = milliseconds(now)
local values = {headerOf(ARGV[3], written, written, #ARGV - 5, 0)}
for number = 6, #ARGV do values[#values + 1] = ARGV[number] end
redis.call('UNLINK', key)
failure = push(key, values, 1)
-- A new key lives for ever.
if not refused(failure) and ttl ~= '0' then failure = renew(key, ttl) end
if refused(failure) then return {'halfway', stamp, failure.err} end
enlist(index, now, member)
return {'converted', stamp}
`,
  encode,
  replyParser({ converted: {}, other: {} }),
);

/**
 * ARGV: 1 deadline; 2 the value; 3 the log's epoch; 4 time to live in ms ("0": for ever); 5 the memory's id; 6… the
 * entries.
 */
function encode(input: ConvertInput): ScriptInput {
  const { memoryId, settings, value, epoch, entries } = input;
  return {
    keys: writtenKeys(memoryId, settings),
    args: [value, epoch, encodeTtl(input.settings), memoryId, ...entries],
  };
}
