-- Take contacts for a while. Arguments after the fixed ones: lane, how many of it. Answer: their members.
local controller, ends, left, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]

local taken = {}
local function take(lane, count)
  count = math.min(count, left)
  if count < 1 then
    return
  end
  for _, member in ipairs(redis.call('ZRANGEBYLEX', WAITING, first_of(lane), after(lane), 'LIMIT', 0, count)) do
    local contact = contact_of(member)
    redis.call('ZADD', TAKEN, ends, contact)
    redis.call('HSET', TAKERS, contact, controller)
    redis.call('ZREM', WAITING, member)
    taken[#taken + 1] = member
    left = left - 1
  end
end

for i = 5, #ARGV, 2 do
  take(ARGV[i], tonumber(ARGV[i + 1]))
end
for i = 5, #ARGV, 2 do
  take(ARGV[i], left)
end
keep_for(ttl)
return taken
