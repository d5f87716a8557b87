import { KEPT_OPERATIONS } from "../layout/kept-operations.ts";

/*
 * The text that the scripts have in common. This folder has one file for each script, with its Lua, its input and its
 * replies. A memory is one key, a LIST. Element 0 is the header
 *
 * #1 <epoch> <created ms> <updated ms> <records> <dropped>
 *
 * and each further element is an entry (core's `encodeEntry`). The position of an entry is its number, counted from 1
 * and including the entries that retention has removed. A revision is `<epoch>.<position>.<time of the entry there>`.
 * At the beginning of the log it is `<epoch>.0.0`.
 *
 * The first entry may be a *mark*: `{"t":"save:","at":…,"r":[],"saves":[…],"appends":[…],"end":"<position>.<at>"}`. It
 * holds the ids of operations whose entries are gone, oldest first: the saves with a name, and the appends that a save
 * kept known or that retention has removed. `end` is the revision, without its epoch, after the last save.
 *
 * Rules for all scripts:
 *  - KEYS[1] is the memory's key. KEYS[2], if given, is the index that `recent` reads. Numbers in replies are text.
 *  - A script that writes gets its caller's deadline in ARGV[1], in µs since 1970 by the server's clock. After the
 *    deadline it does nothing.
 *  - The first write is one that a full server refuses. It is made by `redis.call`, so that a refusal leaves no trace.
 *  - Redis does not roll back a script that fails. So a command that is needed later is first tried in a form that
 *    changes nothing. A command that cannot be tried is made by `redis.pcall`, and undone if a later one is refused.
 *    After a refusal, content, time to live and place in the index are as they were before.
 *  - No cjson, no sha1hex, no error_reply: mocks of Redis lack them.
 */

/** `now` is the server's time in µs since 1970. `stamp` is the same as text. */
const opening = `
local function round(number) return string.format('%.0f', number) end

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local stamp = clock[1] .. string.sub('00000' .. clock[2], -6)

local function refused(reply) return type(reply) == 'table' and reply.err end
`;

/** Returns the log under the key, or nil and a reply that says what is there instead. */
const open = `
local function open(key)
  local header = redis.pcall('LINDEX', key, 0)
  if refused(header) then
    -- Any other error is raised by the same command.
    if not string.find(header.err, 'WRONGTYPE', 1, true) then redis.call('LINDEX', key, 0) end
    local kind = redis.call('TYPE', key)
    return nil, {'foreign', stamp, kind.ok or kind}
  end
  if not header then return nil, {'absent', stamp} end
  local epoch, created, updated, records, dropped = string.match(header, '^#1 (%S+) (%d+) (%d+) (%d+) (%d+)$')
  if not epoch then return nil, {'damaged', stamp} end
  local length = redis.call('LLEN', key) - 1
  dropped = tonumber(dropped)
  return {
    header = header, epoch = epoch, created = created, updated = updated, records = tonumber(records),
    dropped = dropped, length = length, position = dropped + length,
  }
end
`;

/**
 * Returns the time of the entry at this position, as text. '0': the beginning of the log. nil: there is no such entry.
 */
const timeAt = `
local function timeAt(key, log, position)
  if position == 0 then return '0' end
  if position <= log.dropped or position > log.position then return nil end
  -- Counted from the end, because most requests are near it and LINDEX walks the list.
  local entry = redis.call('LINDEX', key, position - log.position - 1)
  return entry and string.match(entry, '^{"t":"[^"]*","at":(%d+),')
end
`;

/**
 * `knownBy` returns the operations in a mark: two lists of ids, and `end`. Both are empty if the entry is another one.
 * `marked` makes a mark with the newest ids of both lists. It returns nil if both are empty. `at` is text.
 */
export const known: string = `
local function isMark(entry) return string.sub(entry, 1, 12) == '{"t":"save:"' end
local function knownBy(entry)
  local saves, appends, last = string.match(entry or '', '^{"t":"save:","at":%d+,"r":%[%],"saves":%[(.*)%],"appends":%[(.*)%],"end":"([%d.]*)"}$')
  local known = {saves = {}, appends = {}, last = last or ''}
  for id in string.gmatch(saves or '', '[^",]+') do table.insert(known.saves, id) end
  for id in string.gmatch(appends or '', '[^",]+') do table.insert(known.appends, id) end
  return known
end
local function quoted(ids)
  if #ids == 0 then return '' end
  return '"' .. table.concat(ids, '","', math.max(1, #ids - ${KEPT_OPERATIONS - 1})) .. '"'
end
local function marked(known, at)
  if #known.saves + #known.appends == 0 then return nil end
  return '{"t":"save:","at":' .. at .. ',"r":[],"saves":[' .. quoted(known.saves) .. '],"appends":[' .. quoted(known.appends) ..
    '],"end":"' .. known.last .. '"}'
end
local function contains(ids, id)
  for _, one in ipairs(ids) do if one == id then return true end end
end
`;

/**
 * Compares the log with a revision of it. Returns a verdict, and the position in the revision:
 * - 'holds': the same entry is still at the position
 * - 'edge': retention has removed the entries up to the position, and no later ones
 * - 'dropped': retention has removed later entries as well
 * - 'lost': it is the same log, but without the entry that it had at the position
 * - 'other': it is another log
 */
const judge = `
local function judge(key, log, revision)
  local epoch, position, time = string.match(revision, '^(.+)%.(%d+)%.(%d+)$')
  if epoch ~= log.epoch then return 'other' end
  position = tonumber(position)
  if position < log.dropped then return 'dropped', position end
  if position > 0 and position == log.dropped then
    -- A mark stands in the place of the last entry that was removed, so that entry came after this position.
    local first = redis.call('LINDEX', key, 1)
    return first and string.sub(first, 1, 12) == '{"t":"save:"' and 'dropped' or 'edge', position
  end
  if timeAt(key, log, position) == time then return 'holds', position end
  return 'lost', position
end
`;

/** The functions to look at a log. */
export const logs: string = `${open}${timeAt}${judge}`;

/** The beginning of a script that reads. */
export const reading: string = `${opening}${logs}`;

/** The time of the next entry: the server's time, or a later one if its clock was turned back. */
const nextTime = `
local function nextTime(last) return math.max(now, (tonumber(last) or 0) + 1) end
`;

/** Starts the time to live again. '0': for ever. */
const renew = `
local function renew(key, ttl)
  if ttl == '0' then return redis.pcall('PERSIST', key) end
  return redis.pcall('PEXPIRE', key, ttl)
end
`;

/** The beginning of a script that writes. */
export const writable: string = `${opening}
if now > tonumber(ARGV[1]) then return {'late', stamp} end

local function headerOf(epoch, created, updated, records, dropped)
  return '#1 ' .. epoch .. ' ' .. created .. ' ' .. updated .. ' ' .. round(records) .. ' ' .. round(dropped)
end
${nextTime}
local function microseconds(time) return time == now and stamp or round(time) end

local function milliseconds(time) return string.sub(microseconds(time), 1, -4) end
${renew}
local function enlist(index, time, member)
  if index then return redis.pcall('ZADD', index, microseconds(time), member) end
end
`;

/**
 * Writes the header again unchanged, so that a WAIT after this also waits for the earlier write. Returns the error if
 * the server refused, or ''.
 */
const rewritten = `
local function rewritten(key, log)
  local reply = redis.pcall('LSET', key, 0, log.header)
  return refused(reply) or ''
end
`;

/** Changes nothing. Raises an error if the index cannot be written. */
const tryIndex = `
local function tryIndex(index, member)
  if index then redis.call('ZADD', index, 'XX', 'INCR', 0, member) end
end
`;

/**
 * Expired memories stay in the index, so it would only grow. For each new memory this checks three random members, and
 * removes those whose memory no longer exists.
 */
const sweep = `
local function sweep(index, key, member)
  if not index then return end
  local prefix = string.sub(key, 1, #key - #member)
  local some = redis.pcall('ZRANDMEMBER', index, 3)
  for _, other in ipairs(refused(some) and {} or some) do
    local kind = redis.pcall('TYPE', prefix .. other)
    if (kind.ok or kind) == 'none' then redis.pcall('ZREM', index, other) end
  end
end
`;

/** Pushes the values from `from` on, 4,000 at a time: Lua's stack ends near 8,000. */
const push = `
local function push(key, values, from)
  for first = from, #values, 4000 do
    local reply = redis.pcall('RPUSH', key, unpack(values, first, math.min(first + 3999, #values)))
    if refused(reply) then return reply end
  end
end
`;

/** Deletes a memory that this script has just created. */
const discard = `
local function discard(key, failure)
  if refused(redis.pcall('UNLINK', key)) then return {'halfway', stamp, failure.err} end
  return {'refused', stamp, failure.err}
end
`;

/** The functions to create or replace a log. */
export const making: string = `${rewritten}${tryIndex}${sweep}${push}${discard}`;

/** The beginning of a script that writes a log. */
export const writing: string = `${writable}${logs}${making}`;
