-- Keep contacts for another lease. Answer: those that are still this controller's.
local controller, ends, ttl = ARGV[1], ARGV[2], ARGV[3]

local kept = {}
for i = 4, #ARGV do
  if is_of(ARGV[i], controller) then
    redis.call('ZADD', TAKEN, ends, ARGV[i])
    kept[#kept + 1] = ARGV[i]
  end
end
keep_for(ttl)
return kept
