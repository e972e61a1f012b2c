-- Lay contacts ready. Arguments after the fixed ones: lane, member, contact of each. Answer: how many were.
local capacity, ttl = tonumber(ARGV[1]), ARGV[2]

local room, laid = {}, 0
for i = 3, #ARGV, 3 do
  local lane, member, contact = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if not room[lane] then
    room[lane] = capacity - redis.call('ZLEXCOUNT', WAITING, first_of(lane), after(lane))
  end
  if room[lane] > 0 and redis.call('HEXISTS', PLACES, contact) == 0 then
    redis.call('ZADD', WAITING, 0, member)
    redis.call('HSET', PLACES, contact, member)
    room[lane], laid = room[lane] - 1, laid + 1
  end
end
keep_for(ttl)
return {laid}
