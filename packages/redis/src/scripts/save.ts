import type { Revision } from "@deep-agent/core/adapter";
import { writtenKeys } from "../layout/memory-key.ts";
import { encodeRevision, encodeTtl, type MemoryInput } from "./common-input.ts";
import { known, writing } from "./log.lua.ts";
import { replyParser, type ScriptFailure } from "./reply-parser.ts";
import { type Script, type ScriptInput, script } from "./script.ts";

export interface SaveInput extends MemoryInput {
  /** The epochs of all attempts at this save. The last one is this attempt's. */
  readonly epochs: readonly string[];
  readonly operationId: string | undefined;
  /** The epoch that the caller saw. {@link NOTHING}: there was no such memory. `""`: the caller did not look. */
  readonly seen: string;
  readonly expectedRevision: Revision | null | undefined;
  /** The operation ids of appends that stay known, oldest first. */
  readonly kept: readonly string[];
  /** The revision of the log from which `kept` was read. {@link NOTHING}: no such memory. `""`: nothing was read. */
  readonly keptAt: Revision;
  /** How many records retention has removed before these. */
  readonly dropped: number;
  /** One JSON text for each record. */
  readonly records: readonly string[];
}

export type SaveReply =
  /** `error`: if an earlier attempt had saved, why the header could not be written again for a WAIT, or `""`. */
  | { readonly what: "saved"; readonly now: number; readonly error: string }
  /** The epoch, or the revision of `kept`, is no longer the one that was seen. */
  | { readonly what: "other"; readonly now: number }
  | { readonly what: "conflict"; readonly now: number }
  | ScriptFailure;

/**
 * Replaces the log by one entry for each record. Before them stands a mark, if there is anything to know: the names
 * (operation ids) of the newest 64 saves, so that no save is made twice, and the appends that the caller wants to keep
 * known.
 */
export const SAVE: Script<SaveInput, SaveReply> = script(
  `${writing}${known}
local key, index = KEYS[1], KEYS[2]
local epochs, name, seen, expected, ttl, member = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local dropped, kept, keptAt, first = tonumber(ARGV[8]), ARGV[9], ARGV[10], 11
local epoch = string.match(epochs, '%S+$')

local log, instead = open(key)
if not log and instead[1] ~= 'absent' then return instead end
local operations = knownBy(log and redis.call('LINDEX', key, 1))
local made = log and string.find(' ' .. epochs .. ' ', ' ' .. log.epoch .. ' ', 1, true) or contains(operations.saves, name)
if made then
  return {'saved', stamp, rewritten(key, log)}
end
if seen ~= '' and seen ~= (log and log.epoch or '-') then return {'other', stamp} end
local last = log and timeAt(key, log, log.position)
local revision = log and last and log.epoch .. '.' .. round(log.position) .. '.' .. last
if expected ~= '' then
  if log and not last then return {'damaged', stamp} end
  if expected ~= (revision or '-') then return {'conflict', stamp} end
end
if keptAt ~= '' and keptAt ~= (revision or '-') then return {'other', stamp} end

local time = nextTime(last)
local written = milliseconds(time)
local count = #ARGV - first + 1
local values = {headerOf(epoch, log and log.created or written, written, count, dropped)}
if name ~= '' then table.insert(operations.saves, name) end
operations.appends = {}
for id in string.gmatch(kept, '%S+') do table.insert(operations.appends, id) end
operations.last = round(dropped + 1 + count) .. '.' .. round(time + count)
values[2] = marked(operations, round(time))
for number = first, #ARGV do
  values[#values + 1] = '{"t":"' .. epoch .. '","at":' .. round(time + #values - 1) .. ',"r":[' .. ARGV[number] .. ']}'
end

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
-- The new log is first written after the old one, which is removed once the new one is whole.
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
 * ARGV: 1 deadline; 2 the epochs of all attempts at this save, this attempt's last; 3 the save's name, or ""; 4 the
 * epoch that the caller saw ("-": no such memory; "": it did not look); 5 expected revision ("": not given, "-":
 * null); 6 time to live in ms ("0": for ever); 7 the memory's id; 8 how many records retention has removed before
 * these; 9 the appends that stay known; 10 the revision from which they were read, or ""; 11… one JSON text for each
 * record.
 */
function encode(input: SaveInput): ScriptInput {
  const {
    memoryId,
    settings,
    epochs,
    operationId = "",
    seen,
    expectedRevision,
    kept,
    keptAt,
    dropped,
    records,
  } = input;
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
      kept.join(" "),
      keptAt,
      ...records,
    ],
  };
}
