import type { Revision } from "@deep-agent/core/adapter";
import { writtenKeys } from "../layout/memory-key.ts";
import { encodeRevision, encodeTtl, type MemoryInput } from "./common-input.ts";
import { logs, making, writable } from "./log.lua.ts";
import { replyParser, type ScriptFailure } from "./reply-parser.ts";
import { type Script, type ScriptInput, script } from "./script.ts";

export interface AppendInput extends MemoryInput {
  readonly operationId: string;
  /** A JSON text each. */
  readonly records: readonly string[];
  readonly since: Revision | null | undefined;
  /** Whether an earlier attempt may have appended it: without `since`, all of the log is searched for the operation. */
  readonly again: boolean;
  readonly expectedRevision: Revision | null | undefined;
  /** The log's, should the memory be new. */
  readonly epoch: string;
}

/** Where the entry is. */
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
   * An earlier attempt has appended it. `error`: why it could not be written again, for replicas that are waited for.
   */
  | ({ readonly what: "found"; readonly error: string } & Place)
  | { readonly what: "conflict"; readonly now: number }
  | ScriptFailure;

/**
 * Adds the entry after `length` others, in the log with the header `before`, and takes it back if a part of that is
 * refused: then answers why.
 */
const add = `
local function add(time, length, before, after)
  redis.call('LSET', key, 0, after)
  -- Tried before the entry is there that it would take back.
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

/** How many records an entry holds: what opens at the first level of its array "r". */
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

/** How many of the oldest entries have to go, and how many records they hold, before `count` more come. */
const surplus = `
local function surplus(log)
  local entries, held = 0, 0
  while keep > 0 and log.records - held + count > keep and entries < log.length do
    for _, entry in ipairs(redis.call('LRANGE', key, entries + 1, entries + 16)) do
      if log.records - held + count <= keep then break end
      entries = entries + 1
      held = held + recordsIn(entry)
    end
  end
  return entries, held
end
`;

/** The position of the operation's entry after `from`, and when it was written; if there are two, of the newer one. */
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

/** Adds one entry, once. */
export const APPEND: Script<AppendInput, AppendReply> = script(
  `${writable}
local key, index = KEYS[1], KEYS[2]
local operation, records, count, since, expected = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6]
local ttl, keep, member = ARGV[8], tonumber(ARGV[9]), ARGV[10]

local function entryAt(time) return '{"t":"' .. operation .. '","at":' .. microseconds(time) .. ',"r":' .. records .. '}' end
${add}
-- Mostly, the log is as its writer saw it last: then nothing is to be searched or judged, nor is what does that to be
-- made.
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
${logs}${making}${recordsIn}${surplus}${find}
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
if position then
  return {'found', stamp, log.epoch, round(position), at, rewritten(key, log)}
end
local last = timeAt(key, log, log.position)
if not last then return {'damaged', stamp} end
if not continues or (expected ~= '' and expected ~= log.epoch .. '.' .. round(log.position) .. '.' .. last) then
  return {'conflict', stamp}
end

local time = nextTime(last)
local entries, held = surplus(log)
local after = headerOf(log.epoch, log.created, milliseconds(time), log.records - held + count, log.dropped + entries)
local failure = add(time, log.length, log.header, after)
if failure then return failure end
if entries > 0 then
  -- What is then the first is the last to go: the header takes its place.
  redis.pcall('LTRIM', key, entries, -1)
  redis.pcall('LSET', key, 0, after)
end
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
 * ARGV: 1 deadline; 2 operation id; 3 the records, a JSON array; 4 how many; 5 since, 6 expected revision ("": not
 * given, "-": null; since may also be "*": not given, and all of the log is to be searched); 7 the epoch, should the
 * memory be new; 8 time to live in ms ("0": for ever); 9 how many records to keep ("0": all); 10 the memory's id.
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
