import { createHash } from "node:crypto";

/*
 * What the backend does inside Redis. A memory is one key, a LIST: element 0 is the header
 *
 *   #1 <epoch> <created ms> <updated ms> <records> <dropped>
 *
 * and each further element an entry (core's `encodeEntry`). Positions are absolute: the number of entries up to and with one, those
 * that retention has dropped counted. A revision is `<epoch>.<position>.<at of the entry there>`, and `<epoch>.0.0` where
 * nothing stands before it.
 *
 * Rules that all scripts keep:
 *  - KEYS[1] is the memory's key, KEYS[2], where there is one, the index behind `recent`. Numbers in replies are text.
 *  - What writes has its caller's deadline in ARGV[1], in µs since 1970 by the server's clock, and does nothing behind it.
 *  - The first write is one that a full server refuses; it is made by `redis.call`, so that a refusal leaves no trace. A script that
 *    fails is not rolled back: what is needed later is first tried without changing anything, and what cannot be tried is made by
 *    `redis.pcall` and undone. Content, time to live and place in the index are as they were after a refusal.
 *  - No cjson, no sha1hex, no error_reply: mocks of Redis lack them.
 *
 * Replies common to several:
 *   { "late", now }           the deadline has passed; nothing was done
 *   { "absent", now }         there is no such memory
 *   { "foreign", now, type }  the key holds something else than a LIST
 *   { "damaged", now }        it is a LIST, but not a log of ours, or its last entry is broken
 *   { "refused", now, error } the server refused a part, as in `error`; the rest was undone
 *   { "halfway", now, error } the same, but undoing was refused, too
 * `now` is the server's time in µs since 1970.
 */

const opening = `
local function round(number) return string.format('%.0f', number) end

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
-- The same as text.
local stamp = clock[1] .. string.sub('00000' .. clock[2], -6)

local function refused(reply) return type(reply) == 'table' and reply.err end
`;

const logs = `
-- The log under the key; or nil and the reply that says what is there instead.
local function open(key)
  local header = redis.pcall('LINDEX', key, 0)
  if refused(header) then
    -- Raises whatever else it may be.
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

-- When the entry at this position was written, as text; '0' at the very beginning, nil where no entry is.
local function timeAt(key, log, position)
  if position == 0 then return '0' end
  if position <= log.dropped or position > log.position then return nil end
  -- Counted from the end, which is near.
  local entry = redis.call('LINDEX', key, position - log.position - 1)
  return entry and string.match(entry, '^{"t":"[^"]*","at":(%d+),')
end

-- What the log is to one who knows this revision of it, and the position that it names:
--   'holds'   what stood there stands there
--   'edge'    retention has dropped up to there: what came behind is whole
--   'dropped' retention has dropped more
--   'lost'    it is this log, without what it had
--   'other'   it is another log
local function judge(key, log, revision)
  local epoch, position, time = string.match(revision, '^(.+)%.(%d+)%.(%d+)$')
  if epoch ~= log.epoch then return 'other' end
  position = tonumber(position)
  if position < log.dropped then return 'dropped', position end
  if position > 0 and position == log.dropped then return 'edge', position end
  if timeAt(key, log, position) == time then return 'holds', position end
  return 'lost', position
end
`;

const reading = `${opening}${logs}`;

const writable = `${opening}
if now > tonumber(ARGV[1]) then return {'late', stamp} end

local function headerOf(epoch, created, updated, records, dropped)
  return '#1 ' .. epoch .. ' ' .. created .. ' ' .. updated .. ' ' .. round(records) .. ' ' .. round(dropped)
end

-- The time of the next entry: the server's, unless its clock was turned back.
local function nextTime(last) return math.max(now, (tonumber(last) or 0) + 1) end

local function microseconds(time) return time == now and stamp or round(time) end

local function milliseconds(time) return string.sub(microseconds(time), 1, -4) end

-- Counts the time to live anew; '0': for ever.
local function renew(key, ttl)
  if ttl == '0' then return redis.pcall('PERSIST', key) end
  return redis.pcall('PEXPIRE', key, ttl)
end

local function enlist(index, time, member)
  if index then return redis.pcall('ZADD', index, microseconds(time), member) end
end
`;

const making = `
-- Writes what is there already, so that a WAIT behind this waits for it, too. The error where that was refused, or ''.
local function rewritten(key, log)
  local reply = redis.pcall('LSET', key, 0, log.header)
  return refused(reply) or ''
end

-- Changes nothing, but raises where the index could not be written.
local function tryIndex(index, member)
  if index then redis.call('ZADD', index, 'XX', 'INCR', 0, member) end
end

-- What has expired does not say so: looks at a few others for each memory that is new, or the index would only grow.
local function sweep(index, key, member)
  if not index then return end
  local prefix = string.sub(key, 1, #key - #member)
  local some = redis.pcall('ZRANDMEMBER', index, 3)
  for _, other in ipairs(refused(some) and {} or some) do
    local kind = redis.pcall('TYPE', prefix .. other)
    if (kind.ok or kind) == 'none' then redis.pcall('ZREM', index, other) end
  end
end

-- Pushes values[from] and what follows. Not all at once: Lua's stack ends near 8,000.
local function push(key, values, from)
  for first = from, #values, 4000 do
    local reply = redis.pcall('RPUSH', key, unpack(values, first, math.min(first + 3999, #values)))
    if refused(reply) then return reply end
  end
end

-- Takes back a memory that was made just now.
local function discard(key, failure)
  if refused(redis.pcall('UNLINK', key)) then return {'halfway', stamp, failure.err} end
  return {'refused', stamp, failure.err}
end
`;

const writing = `${writable}${logs}${making}`;

/** A script, without comments and indents, and the name that the server knows it by. */
export interface Script {
  readonly source: string;
  /** SHA-1 of the source, in hexadecimal. */
  readonly sha: string;
  /** Whether the second part of its reply is the server's time. */
  readonly noteTime: boolean;
}

function script(source: string, noteTime = true): Script {
  const lines = source.split("\n").map((line) => line.trim());
  const text = lines.filter((line) => line !== "" && !line.startsWith("--")).join("\n");
  return { source: text, sha: createHash("sha1").update(text).digest("hex"), noteTime };
}

/**
 * Adds one entry, once.
 *
 * ARGV: 1 deadline; 2 operation id; 3 the records, a JSON array; 4 how many; 5 since, 6 expected revision ("": not given, "-": null;
 * since may also be "*": not given, and all of the log is to be searched); 7 the epoch, should the memory be new; 8 time to live in ms ("0": for ever); 9 how many records to keep ("0": all); 10 the
 * memory's id.
 *
 * Reply: { "appended", now, epoch, position, at } | { "found", now, epoch, position, at, error or "" (of writing it anew for a WAIT) } | { "conflict", now } | late | foreign | damaged | refused | halfway.
 */
export const APPEND: Script = script(`${writable}
local key, index = KEYS[1], KEYS[2]
local operation, records, count, since, expected = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6]
local ttl, keep, member = ARGV[8], tonumber(ARGV[9]), ARGV[10]

local function entryAt(time) return '{"t":"' .. operation .. '","at":' .. microseconds(time) .. ',"r":' .. records .. '}' end

-- Adds the entry behind so many others, in the log with this header, and takes it back where a part of that is refused: then answers why.
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

-- Mostly, the log is as its writer saw it last: then nothing is to be searched or judged, nor is what does that to be made.
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
${logs}${making}

-- How many records an entry holds: what opens at the first level of its array "r".
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

-- How many of the oldest entries have to go, and how many records they hold, before so many more come.
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

-- The position of the operation's entry behind 'from', and when it was written; where there are two, of the newer one.
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
`);

/**
 * Replaces the log by one entry for each record. A save that has a name leaves a mark before them, an entry without records whose
 * operation is `save:<name>`; the next save keeps the marks, the newest 64, so that none is made twice.
 *
 * ARGV: 1 deadline; 2 the epochs of all attempts at this save, this one's last; 3 the save's name, or ""; 4 the epoch that the caller saw ("-": no such memory; "": it did not
 * look); 5 expected revision ("": not given, "-": null); 6 time to live in ms ("0": for ever); 7 the memory's id; 8 how many records
 * retention has taken before; 9… the records, a JSON text each.
 *
 * Reply: { "saved", now } | { "saved", now, error or "" (it was, and as with "found") } | { "other", now } (the epoch is not the one that was seen) | { "conflict", now } | late | foreign |
 * damaged | refused | halfway.
 */
export const SAVE: Script = script(`${writing}
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
`);

/**
 * What is under the key, for those that have to name it: nothing is read of it.
 *
 * Reply: { "log", now, epoch, created ms } | absent | foreign | damaged.
 */
export const PEEK: Script = script(`${reading}
local log, instead = open(KEYS[1])
if not log then return instead end
return {'log', stamp, log.epoch, log.created}
`);

/**
 * Removes what the caller saw.
 *
 * ARGV: 1 deadline; 2 the epoch that was seen ("!string": a value of go-deep-agent, "!damaged": a damaged list, "-": nothing); 3 the
 * memory's id; 4 "propagate": where nothing is there, write all the same, so that a WAIT behind this waits for who took it away.
 *
 * Reply: { "deleted", now } | { "other", now } (something else is there) | absent | foreign | late |
 * { "unlisted", now, error } (deleted, but the index could not be told).
 */
export const DELETE: Script = script(`${writing}
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
`);

/**
 * Counts the time to live anew, and changes nothing else.
 *
 * ARGV: 1 deadline; 2 time to live in ms ("0": for ever); 3 "string": a value of go-deep-agent has been seen there.
 *
 * Reply: { "renewed", now } | absent | foreign | damaged | late | refused.
 */
export const TOUCH: Script = script(`${writing}
local log, instead = open(KEYS[1])
if not log and not (instead[1] == 'foreign' and instead[3] == ARGV[3]) then return instead end
local failure = renew(KEYS[1], ARGV[2])
if refused(failure) then return {'refused', stamp, failure.err} end
return {'renewed', stamp}
`);

/**
 * A part of the log, judged against what the caller knows.
 *
 * ARGV: 1 how many records at least, counted from the end ("": all); 2 since; 3 before ("": not given); 4 "all": count on one
 * record an entry only, "": on what they hold on average.
 *
 * Reply: { "log", now, header, position, at of the last entry, verdict on since or before ("": none), floor, from, at of the entry
 * before ("0": none, or the mark of a save), entries } | absent | foreign | damaged. The entries are those behind position `from`; with "last", those that it cut stand between
 * `floor` and `from`.
 */
export const READ: Script = script(`${reading}
local key, last, since, before = KEYS[1], tonumber(ARGV[1]), ARGV[2], ARGV[3]
local log, instead = open(key)
if not log then return instead end
local at = timeAt(key, log, log.position)
if not at then return {'damaged', stamp} end
local floor, to, verdict = log.dropped, log.position, ''
if since ~= '' then
  local position
  verdict, position = judge(key, log, since)
  if verdict == 'holds' or verdict == 'edge' then floor = position end
elseif before ~= '' then
  local position
  verdict, position = judge(key, log, before)
  if verdict == 'holds' or verdict == 'edge' then to = position end
  if verdict == 'dropped' then to = log.dropped end
end
local from = floor
if last then
  local entries = last
  if ARGV[4] == '' and log.records > 0 then entries = math.ceil(last * log.length / log.records) end
  from = math.max(floor, to - entries)
end
local previous = from > log.dropped and redis.call('LINDEX', key, from - log.position - 1) or ''
local atBefore = not string.find(previous, '^{"t":"save:') and string.match(previous, '^{"t":"[^"]*","at":(%d+),') or '0'
return {
  'log', stamp, log.header, round(log.position), at, verdict, round(floor), round(from), atBefore,
  redis.call('LRANGE', key, from - log.dropped + 1, to - log.dropped),
}
`);

/**
 * Facts about a memory.
 *
 * Reply: { "log", now, header, ms to live (-1: for ever), bytes } | { "foreign", now, type, ms to live, bytes } | absent | damaged.
 */
export const INFO: Script = script(`${reading}
local log, instead = open(KEYS[1])
if not log and instead[1] ~= 'foreign' then return instead end
local reply = log and {'log', stamp, log.header} or instead
reply[#reply + 1] = round(redis.call('PTTL', KEYS[1]))
reply[#reply + 1] = round(redis.call('MEMORY', 'USAGE', KEYS[1]))
return reply
`);

/**
 * Puts a log in the place of a value of go-deep-agent, if it is still that value.
 *
 * ARGV: 1 deadline; 2 the value; 3 the log's epoch; 4 time to live in ms ("0": for ever); 5 the memory's id; 6… its entries.
 *
 * Reply: { "converted", now } | { "other", now } (it is not that value any more) | late | refused | halfway.
 */
export const CONVERT: Script = script(`${writing}
local key, index, ttl, member = KEYS[1], KEYS[2], ARGV[4], ARGV[5]
local value = redis.pcall('GET', key)
if refused(value) and not string.find(value.err, 'WRONGTYPE', 1, true) then redis.call('GET', key) end
if value ~= ARGV[2] then return {'other', stamp} end
-- Nothing is removed before the rest is known to be allowed: of a push, the wrong type is all that may be wrong.
local failure = redis.pcall('RPUSH', key, '')
if refused(failure) and not string.find(failure.err, 'WRONGTYPE', 1, true) then return {'refused', stamp, failure.err} end
-- And of a time to live that is none, that it is none.
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
`);

/**
 * A page of the index, the most recently written first.
 *
 * KEYS: 1 the index. ARGV: 1 the highest score; 2 how many at most. Reply: member, score, member, score, …
 */
export const PAGE: Script = script(
  `
return redis.call('ZRANGE', KEYS[1], ARGV[1], '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, ARGV[2], 'WITHSCORES')
`,
  false,
);

/**
 * Takes memories that are gone from the index, unless they were written since.
 *
 * KEYS: 1 the index. ARGV: 1 deadline; then member and score, as they were read, of each. Reply: { "pruned", now } | late.
 */
export const PRUNE: Script = script(`${writing}
for number = 2, #ARGV, 2 do
  if redis.call('ZSCORE', KEYS[1], ARGV[number]) == ARGV[number + 1] then redis.call('ZREM', KEYS[1], ARGV[number]) end
end
return {'pruned', stamp}
`);

/**
 * Puts memories into the index, where they have not a later place already.
 *
 * KEYS: 1 the index. ARGV: 1 deadline; 2 how many others to name; then member and score of each.
 * Reply: { "enlisted", now, { member, score, … } } | late. The others are any that are there.
 */
export const ENLIST: Script = script(`${writing}
for number = 3, #ARGV, 2 do redis.call('ZADD', KEYS[1], 'GT', ARGV[number + 1], ARGV[number]) end
if ARGV[2] == '0' then return {'enlisted', stamp, {}} end
return {'enlisted', stamp, redis.call('ZRANDMEMBER', KEYS[1], ARGV[2], 'WITHSCORES')}
`);
