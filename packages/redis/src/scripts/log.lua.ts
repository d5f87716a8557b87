/*
 * What the backend does inside Redis: a file for each script, with its Lua, what it is given and what it answers. A
 * memory is one key, a LIST: element 0 is the header
 *
 *   #1 <epoch> <created ms> <updated ms> <records> <dropped>
 *
 * and each further element an entry (core's `encodeEntry`). Positions are absolute: the number of entries up to and
 * with one, those that retention has dropped counted. A revision is `<epoch>.<position>.<at of the entry there>`, and
 * `<epoch>.0.0` if nothing stands before it.
 *
 * Rules that all scripts keep:
 *  - KEYS[1] is the memory's key, KEYS[2], if there is one, the index that `recent` reads. Numbers in replies are text.
 *  - What writes has its caller's deadline in ARGV[1], in µs since 1970 by the server's clock, and does nothing after it.
 *  - The first write is one that a full server refuses; it is made by `redis.call`, so that a refusal leaves no trace. A
 *    script that fails is not rolled back: what is needed later is first tried without changing anything, and what cannot
 *    be tried is made by `redis.pcall` and undone. Content, time to live and place in the index are as they were after a
 *    refusal.
 *  - No cjson, no sha1hex, no error_reply: mocks of Redis lack them.
 *
 * This is the text that scripts have in common.
 */

/** `now` is the server's time in µs since 1970, `stamp` the same as text. */
const opening = `
local function round(number) return string.format('%.0f', number) end

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local stamp = clock[1] .. string.sub('00000' .. clock[2], -6)

local function refused(reply) return type(reply) == 'table' and reply.err end
`;

/** Answers the log under the key; or nil and the reply that says what is there instead. */
const open = `
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
`;

/**
 * Answers when the entry at this position was written, as text; '0' at the very beginning, nil if no entry is there.
 */
const timeAt = `
local function timeAt(key, log, position)
  if position == 0 then return '0' end
  if position <= log.dropped or position > log.position then return nil end
  -- Counted from the end, which is near.
  local entry = redis.call('LINDEX', key, position - log.position - 1)
  return entry and string.match(entry, '^{"t":"[^"]*","at":(%d+),')
end
`;

/**
 * Answers what the log is to one who knows this revision of it, and the position that it names:
 * - 'holds': what stood there stands there
 * - 'edge': retention has dropped up to there, and what came after is whole
 * - 'dropped': retention has dropped more
 * - 'lost': it is this log, without what it had
 * - 'other': it is another log
 */
const judge = `
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

/** For what looks at a log. */
export const logs: string = `${open}${timeAt}${judge}`;

/** The beginning of a script that reads. */
export const reading: string = `${opening}${logs}`;

/** The time of the next entry: the server's, unless its clock was turned back. */
const nextTime = `
local function nextTime(last) return math.max(now, (tonumber(last) or 0) + 1) end
`;

/** Counts the time to live again; '0': for ever. */
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
 * Writes what is there already, so that a WAIT after this waits for it, too. Answers the error if that was refused,
 * or ''.
 */
const rewritten = `
local function rewritten(key, log)
  local reply = redis.pcall('LSET', key, 0, log.header)
  return refused(reply) or ''
end
`;

/** Changes nothing, but raises if the index could not be written. */
const tryIndex = `
local function tryIndex(index, member)
  if index then redis.call('ZADD', index, 'XX', 'INCR', 0, member) end
end
`;

/**
 * What has expired does not say so: looks at a few others for each memory that is new, or the index would only grow.
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

/** Pushes values[from] and what follows. Not all at once: Lua's stack ends near 8,000. */
const push = `
local function push(key, values, from)
  for first = from, #values, 4000 do
    local reply = redis.pcall('RPUSH', key, unpack(values, first, math.min(first + 3999, #values)))
    if refused(reply) then return reply end
  end
end
`;

/** Takes back a memory that was made just now. */
const discard = `
local function discard(key, failure)
  if refused(redis.pcall('UNLINK', key)) then return {'halfway', stamp, failure.err} end
  return {'refused', stamp, failure.err}
end
`;

/** For what makes or replaces a log. */
export const making: string = `${rewritten}${tryIndex}${sweep}${push}${discard}`;

/** The beginning of a script that writes a log. */
export const writing: string = `${writable}${logs}${making}`;
