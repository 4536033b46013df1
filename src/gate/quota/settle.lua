-- Returns the unused points of one lease, once.
-- KEYS: counters, leases. ARGV: member of the lease, unused points, day of the lease, points per minute
if redis.call('ZREM', KEYS[2], ARGV[1]) == 0 then return 0 end
local unused, rate = tonumber(ARGV[2]), tonumber(ARGV[4])
local kept = redis.call('HMGET', KEYS[1], 'day', 'points', 'bucket')
if not kept[1] then return 0 end
local text = function(number) return string.format('%.0f', number) end
redis.call('HSET', KEYS[1], 'bucket', text(math.min(rate * 60000, tonumber(kept[3]) + unused * 60000)))
if kept[1] == ARGV[3] then
    redis.call('HSET', KEYS[1], 'points', text(math.max(0, tonumber(kept[2]) - unused)))
end
return 1
