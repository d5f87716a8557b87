import type { Revision } from "@deep-agent/core/adapter";
import { writtenKeys } from "../layout/memory-key.ts";
import { encodeRevision, encodeTtl, type MemoryInput } from "./common-input.ts";
import { writing } from "./log.lua.ts";
import { replyParser, type ScriptFailure } from "./reply-parser.ts";
import { type Script, type ScriptInput, script } from "./script.ts";

export interface SaveInput extends MemoryInput {
  /** Those of all attempts at this save, this one's last. */
  readonly epochs: readonly string[];
  readonly operationId: string | undefined;
  /** The epoch that the caller saw; {@link NOTHING}: no such memory; `""`: it did not look. */
  readonly seen: string;
  readonly expectedRevision: Revision | null | undefined;
  /** How many records retention has taken before. */
  readonly dropped: number;
  /** A JSON text each. */
  readonly records: readonly string[];
}

export type SaveReply =
  /** `error`: if an earlier attempt has saved, why it could not be written again, for replicas that are waited for. */
  | { readonly what: "saved"; readonly now: number; readonly error: string }
  /** The epoch is not the one that was seen. */
  | { readonly what: "other"; readonly now: number }
  | { readonly what: "conflict"; readonly now: number }
  | ScriptFailure;

/**
 * Replaces the log by one entry for each record. A save that has a name leaves a mark before them, an entry without
 * records whose operation is `save:<name>`; the next save keeps the marks, the newest 64, so that none is made twice.
 */
export const SAVE: Script<SaveInput, SaveReply> = script(
  `${writing}
local key, index = KEYS[1], KEYS[2]
local epochs, name, seen, expected, ttl, member = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local dropped, first = tonumber(ARGV[8]), 9
local epoch = string.match(epochs, '%S+$')

local log, instead = open(key)
if not log and instead[1] ~= 'absent' then return instead end
local made = log and string.find(' ' .. epochs .. ' ', ' ' .. log.epoch .. ' ', 1, true)
local marks = {}
for _, entry in ipairs(log and redis.call('LRANGE', key, 1, 64) or {}) do
  local mark = string.match(entry, '^{"t":"save:([^"]*)","at":%d+,"r":%[%]}$')
  if not mark then break end
  made = made or mark == name
  marks[#marks + 1] = mark
end
if made then
  return {'saved', stamp, rewritten(key, log)}
end
if seen ~= '' and seen ~= (log and log.epoch or '-') then return {'other', stamp} end
local last = log and timeAt(key, log, log.position)
if expected ~= '' then
  if log and not last then return {'damaged', stamp} end
  if expected ~= (log and log.epoch .. '.' .. round(log.position) .. '.' .. last or '-') then return {'conflict', stamp} end
end

local time = nextTime(last)
local written = milliseconds(time)
local values = {headerOf(epoch, log and log.created or written, written, #ARGV - first + 1, dropped)}
local function add(operation, records)
  values[#values + 1] = '{"t":"' .. operation .. '","at":' .. round(time + #values - 1) .. ',"r":[' .. records .. ']}'
end
if name ~= '' then marks[#marks + 1] = name end
for number = math.max(1, #marks - 63), #marks do add('save:' .. marks[number], '') end
for number = first, #ARGV do add(epoch, ARGV[number]) end

if not log then
  tryIndex(index, member)
  redis.call('RPUSH', key, values[1])
  local failure = push(key, values, 2)
  if not refused(failure) then failure = renew(key, ttl) end
  if refused(failure) then return discard(key, failure) end
  enlist(index, time, member)
  sweep(index, key, member)
  return {'saved', stamp}
end
-- Behind the old log first, which goes when the new one is whole.
redis.call('LSET', key, 0, log.header)
redis.call('LTRIM', key, 0, -1)
tryIndex(index, member)
local failure = push(key, values, 1)
if not refused(failure) then failure = renew(key, ttl) end
if refused(failure) then
  redis.pcall('LTRIM', key, 0, log.length)
  return {'refused', stamp, failure.err}
end
enlist(index, time, member)
redis.pcall('LTRIM', key, log.length + 1, -1)
return {'saved', stamp}
`,
  encode,
  replyParser({ saved: { error: (error = "") => String(error) }, other: {}, conflict: {} }),
);

/**
 * ARGV: 1 deadline; 2 the epochs of all attempts at this save, this one's last; 3 the save's name, or ""; 4 the epoch
 * that the caller saw ("-": no such memory; "": it did not look); 5 expected revision ("": not given, "-": null); 6
 * time to live in ms ("0": for ever); 7 the memory's id; 8 how many records retention has taken before; 9… the records,
 * a JSON text each.
 */
function encode(input: SaveInput): ScriptInput {
  const { memoryId, settings, epochs, operationId = "", seen, expectedRevision, dropped, records } = input;
  const expected = encodeRevision(expectedRevision);
  return {
    keys: writtenKeys(memoryId, settings),
    args: [
      epochs.join(" "),
      operationId,
      seen,
      expected,
      encodeTtl(input.settings),
      memoryId,
      String(dropped),
      ...records,
    ],
  };
}
