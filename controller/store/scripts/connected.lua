-- The call reached an agent. The flight mark remembers that this was counted, and in which windows.
-- Without a mark (the call is over, or Redis lost data) nothing is counted: the strict side.
-- Arguments after the fixed ones: labels whose counts are wanted. Answer: exposed, counts.
local BUDGET, EXPOSED, FLIGHTS = unpack(KEYS)
local call, controller, count, serial = unpack(ARGV)

local labels = rest(5)
read_budget(BUDGET, labels)
local others, _, own, fresh = read_exposure(EXPOSED, controller, count, serial)

local value = redis.call('HGET', FLIGHTS, call)
if value then
  local mark = cjson.decode(value)
  if not mark.connected then
    mark.connected = true
    redis.call('HSET', FLIGHTS, call, cjson.encode(mark))
    count_in(BUDGET, 'successes', mark.windows)
  end
end
if fresh then
  write_exposure(EXPOSED, controller, count, serial)
end
return {others + own, unpack(read_budget(BUDGET, labels))}
