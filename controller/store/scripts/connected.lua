-- The call reached an agent. The flight mark remembers that this was counted.
-- Without a mark (the call is over, or Redis lost data) nothing is counted: the strict side.
-- Answer: successes, silent, exposed.
local BUDGET, EXPOSED, FLIGHTS = unpack(KEYS)
local call, controller, count, serial = unpack(ARGV)

local successes, silent = read_budget(BUDGET)
local others, _, own, fresh = read_exposure(EXPOSED, controller, count, serial)

local value = redis.call('HGET', FLIGHTS, call)
if value then
  local mark = cjson.decode(value)
  if not mark.connected then
    mark.connected = true
    redis.call('HSET', FLIGHTS, call, cjson.encode(mark))
    successes = redis.call('HINCRBY', BUDGET, 'successes', 1)
  end
end
if fresh then
  write_exposure(EXPOSED, controller, count, serial)
end
return {successes, silent, others + own}
