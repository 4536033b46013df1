-- Charges one request to all budgets of an account atomically. The numbers are those of counters.rs; the clock is that
-- of Redis.
-- KEYS: counters, leases (both of one account, with the same hash tag)
-- ARGV: requests per minute, requests per day, points per minute, points per day,
--       points, lease id, lease duration in ms, usage today according to the request log (requests, points; "" = not
--       read yet),
--       an offset of the clock in ms (tests)
-- Returns: {state, now, minute began, minute, day, day requests, day points, bucket}
--          state 0 = rejected, 1 = granted, 2 = the caller must pass the usage of today
local per_minute, per_day = tonumber(ARGV[1]), tonumber(ARGV[2])
local rate, points_per_day = tonumber(ARGV[3]), tonumber(ARGV[4])
local points, lease_ms = tonumber(ARGV[5]), tonumber(ARGV[7])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[10])
local today = math.floor(now / 86400000)
local full = rate * 60000

local kept = redis.call('HMGET', KEYS[1], 'began', 'minute', 'day', 'requests', 'points', 'bucket', 'at')
local began, minute, day = tonumber(kept[1]), tonumber(kept[2]), tonumber(kept[3])
local requests, day_points, bucket, at = tonumber(kept[4]), tonumber(kept[5]), tonumber(kept[6]), tonumber(kept[7])
if not day then
    if ARGV[8] == '' then return {2, now, 0, 0, today, 0, 0, 0} end
    began, minute, day = now, 0, today
    requests, day_points, bucket, at = tonumber(ARGV[8]), tonumber(ARGV[9]), full, now
end

if now < began or now - began >= 60000 or minute == 0 then began, minute = now, 0 end
if today > day then day, requests, day_points = today, 0, 0 end
bucket = math.min(full, bucket + math.max(0, now - at) * rate)
at = math.max(at, now)

-- All points of expired leases are returned (their servers crashed). A member is "id:points:day".
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now)) do
    local back, of = string.match(member, ':(%d+):(%d+)$')
    bucket = math.min(full, bucket + tonumber(back) * 60000)
    if tonumber(of) == day then day_points = math.max(0, day_points - tonumber(back)) end
    redis.call('ZREM', KEYS[2], member)
end

local fits = minute < per_minute and requests < per_day and bucket >= points * 60000
    and day_points + points <= points_per_day
if fits then
    minute, requests = minute + 1, requests + 1
    bucket, day_points = bucket - points * 60000, day_points + points
    redis.call('ZADD', KEYS[2], now + lease_ms, ARGV[6] .. ':' .. string.format('%d', points) .. ':' .. string.format('%d', day))
    redis.call('PEXPIRE', KEYS[2], 172800000)
end
local text = function(number) return string.format('%.0f', number) end
redis.call('HSET', KEYS[1], 'began', text(began), 'minute', text(minute), 'day', text(day),
    'requests', text(requests), 'points', text(day_points), 'bucket', text(bucket), 'at', text(at))
redis.call('PEXPIRE', KEYS[1], 172800000)
return {fits and 1 or 0, now, began, minute, day, requests, day_points, bucket}
