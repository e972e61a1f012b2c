-- Put back everything that a controller has taken. Answer: how many.
local controller = ARGV[1]

local back, takers = 0, redis.call('HGETALL', TAKERS)
for i = 1, #takers, 2 do
  if takers[i + 1] == controller then
    put_back(takers[i])
    back = back + 1
  end
end
return {back}
