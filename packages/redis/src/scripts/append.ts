import type { Revision } from "@deep-agent/core/adapter";
import { writtenKeys } from "../layout/memory-key.ts";
import { encodeRevision, encodeTtl, type MemoryInput } from "./common-input.ts";
import { known, logs, making, writable } from "./log.lua.ts";
import { replyParser, type ScriptFailure } from "./reply-parser.ts";
import { type Script, type ScriptInput, script } from "./script.ts";

export interface AppendInput extends MemoryInput {
  readonly operationId: string;
  /** One JSON text for each record. */
  readonly records: readonly string[];
  readonly since: Revision | null | undefined;
  /**
   * Whether an earlier attempt may have appended: without `since`, the whole log is then searched for the operation.
   */
  readonly again: boolean;
  readonly expectedRevision: Revision | null | undefined;
  /** The epoch of the log if the memory is new. */
  readonly epoch: string;
}

/** The place of the entry. */
interface Place {
  readonly now: number;
  readonly epoch: string;
  readonly position: number;
  /** When it was written, µs since 1970. */
  readonly at: string;
}

export type AppendReply =
  | ({ readonly what: "appended" } & Place)
  /**
   * An earlier attempt had appended the entry. `error`: why the header could not be written again for a WAIT, or `""`.
   */
  | ({ readonly what: "found"; readonly error: string } & Place)
  | { readonly what: "conflict"; readonly now: number }
  | ScriptFailure;

/**
 * Adds the entry after `length` entries, and replaces the header `before` by `after`. If the server refuses a part of
 * that, undoes the rest and returns a reply with the error.
 */
const add = `
local function add(time, length, before, after)
  redis.call('LSET', key, 0, after)
  -- LTRIM would undo the push below, so find out first whether the user may run it.
  local reply = redis.pcall('LTRIM', key, 0, -1)
  if index and not refused(reply) then reply = redis.pcall('ZADD', index, 'XX', 'INCR', 0, member) end
  if not refused(reply) then reply = redis.pcall('RPUSH', key, entryAt(time)) end
  if not refused(reply) then
    reply = renew(key, ttl)
    if refused(reply) then redis.pcall('LTRIM', key, 0, length) end
  end
  if refused(reply) then
    redis.pcall('LSET', key, 0, before)
    return {'refused', stamp, reply.err}
  end
  enlist(index, time, member)
end
`;

/** Counts the records of an entry: the objects and arrays that open at the first level of its array "r". */
const recordsIn = `
local function recordsIn(entry)
  local _, place = string.find(entry, '"r":[', 1, true)
  local found, depth = 0, 0
  while place do
    local sign
    place, _, sign = string.find(entry, '(["{}%[%]])', place + 1)
    if sign == '"' then
      repeat
        place, _, sign = string.find(entry, '(["\\\\])', place + 1)
        if sign == '\\\\' then place = place + 1 end
      until sign ~= '\\\\'
    elseif sign == '{' or sign == '[' then
      if depth == 0 then found = found + 1 end
      depth = depth + 1
    else
      depth = depth - 1
      if depth < 0 then return found end
    end
  end
  return found
end
`;

/**
 * Returns how many of the oldest entries retention removes before `count` records are added, their records, and a mark
 * with the operations that stay known without them, or nil.
 */
const surplus = `
local function surplus(log)
  local entries, held, operations, at = 0, 0, nil, nil
  while keep > 0 and log.records - held + count > keep and entries < log.length do
    for _, entry in ipairs(redis.call('LRANGE', key, entries + 1, entries + 16)) do
      if log.records - held + count <= keep then break end
      entries = entries + 1
      held = held + recordsIn(entry)
      operations = operations or knownBy(entry)
      local operation
      operation, at = string.match(entry, '^{"t":"([^"]*)","at":(%d+),')
      if operation ~= log.epoch and not isMark(entry) then table.insert(operations.appends, operation) end
    end
  end
  return entries, held, operations and marked(operations, at)
end
`;

/** Returns position and time of the operation's newest entry after `from`, or nil. */
const find = `
local function find(log, from)
  local prefix = '{"t":"' .. operation .. '",'
  local position, at
  for first = from - log.dropped + 1, log.length, 1000 do
    for offset, entry in ipairs(redis.call('LRANGE', key, first, first + 999)) do
      if string.sub(entry, 1, #prefix) == prefix then
        position, at = log.dropped + first + offset - 1, string.match(entry, '"at":(%d+)', #prefix)
      end
    end
  end
  return position, at
end
`;

/**
 * Returns position and time of the newest entry before which an operation was made whose entry is gone, or nil: the end
 * of the last save, or the mark if it stands after that.
 */
const findKept = `
local function findKept(log)
  local mark = redis.call('LINDEX', key, 1)
  local kept = knownBy(mark)
  if not contains(kept.appends, operation) then return end
  local position, at = string.match(kept.last, '^(%d+)%.(%d+)$')
  if position and tonumber(position) > log.dropped then return tonumber(position), at end
  return log.dropped + 1, string.match(mark, '"at":(%d+)')
end
`;

/** Appends one entry, once for each operation id. */
export const APPEND: Script<AppendInput, AppendReply> = script(
  `${writable}
local key, index = KEYS[1], KEYS[2]
local operation, records, count, since, expected = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6]
local ttl, keep, member = ARGV[8], tonumber(ARGV[9]), ARGV[10]

local function entryAt(time) return '{"t":"' .. operation .. '","at":' .. microseconds(time) .. ',"r":' .. records .. '}' end
${add}
-- The fast path: the log is usually as its writer last saw it. Then there is nothing to search or to compare, and the
-- functions for that, which are defined below, are not even created.
local header = since ~= '' and redis.pcall('LINDEX', key, 0)
local epoch, created, _, held, dropped = string.match(type(header) == 'string' and header or '', '^#1 (%S+) (%d+) (%d+) (%d+) (%d+)$')
if epoch and (keep == 0 or held + count <= keep) and (expected == '' or expected == since) then
  local length = redis.call('LLEN', key) - 1
  local last = string.match(redis.call('LINDEX', key, -1), '^{"t":"[^"]*","at":(%d+),')
  if last and since == epoch .. '.' .. round(dropped + length) .. '.' .. last then
    local time = nextTime(last)
    local after = headerOf(epoch, created, milliseconds(time), held + count, dropped)
    return add(time, length, header, after) or {'appended', stamp, epoch, round(dropped + length + 1), microseconds(time)}
  end
end
${logs}${making}${known}${recordsIn}${surplus}${find}${findKept}
local log, instead = open(key)
if not log then
  if instead[1] ~= 'absent' then return instead end
  if (since ~= '' and since ~= '-' and since ~= '*') or (expected ~= '' and expected ~= '-') then return {'conflict', stamp} end
  local epoch, time = ARGV[7], nextTime(0)
  local written = milliseconds(time)
  tryIndex(index, member)
  redis.call('RPUSH', key, headerOf(epoch, written, written, count, 0), entryAt(time))
  local failure = renew(key, ttl)
  if refused(failure) then return discard(key, failure) end
  enlist(index, time, member)
  sweep(index, key, member)
  return {'appended', stamp, epoch, '1', microseconds(time)}
end

local from = math.max(log.dropped, log.position - 64)
local continues = true
if since == '*' then
  from = log.dropped
elseif since ~= '' then
  local verdict, position
  if since ~= '-' then verdict, position = judge(key, log, since) end
  continues = verdict == 'holds'
  from = continues and position or log.dropped
end
local position, at = find(log, from)
if not position and (since == '' or since == '*' or not continues) then
  position, at = findKept(log)
end
if position then
  return {'found', stamp, log.epoch, round(position), at, rewritten(key, log)}
end
local last = timeAt(key, log, log.position)
if not last then return {'damaged', stamp} end
if not continues or (expected ~= '' and expected ~= log.epoch .. '.' .. round(log.position) .. '.' .. last) then
  return {'conflict', stamp}
end

local time = nextTime(last)
local entries, held, mark = surplus(log)
-- The mark takes the place of the last entry to be removed, with its time: so the revision after that entry still holds.
if mark then entries = entries - 1 end
local after = headerOf(log.epoch, log.created, milliseconds(time), log.records - held + count, log.dropped + entries)
local failure = add(time, log.length, log.header, after)
if failure then return failure end
if entries > 0 then
  -- The trim keeps the last entry before those that stay as the first element, and the header replaces it.
  redis.pcall('LTRIM', key, entries, -1)
  redis.pcall('LSET', key, 0, after)
end
if mark then redis.pcall('LSET', key, 1, mark) end
return {'appended', stamp, log.epoch, round(log.position + 1), microseconds(time)}
`,
  encode,
  replyParser({
    appended: { epoch: String, position: Number, at: String },
    found: { epoch: String, position: Number, at: String, error: String },
    conflict: {},
  }),
);

/**
 * ARGV: 1 deadline; 2 operation id; 3 the records, a JSON array; 4 their number; 5 since, 6 expected revision ("": not
 * given, "-": null; since may also be "*": not given, search the whole log); 7 the epoch if the memory is new; 8 time
 * to live in ms ("0": for ever); 9 how many records to keep ("0": all); 10 the memory's id.
 */
function encode(input: AppendInput): ScriptInput {
  const { memoryId, settings, operationId, records, since, again, expectedRevision, epoch } = input;
  return {
    keys: writtenKeys(memoryId, settings),
    args: [
      operationId,
      `[${records.join(",")}]`,
      String(records.length),
      since === undefined && again ? "*" : encodeRevision(since),
      encodeRevision(expectedRevision),
      epoch,
      encodeTtl(settings),
      String(settings.maxRecords ?? 0),
      memoryId,
    ],
  };
}
