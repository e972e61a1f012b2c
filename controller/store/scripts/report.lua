-- Take note of how many calls are exposed, if a serial is given; read the budget.
-- Arguments after the fixed ones: labels whose counts are wanted. Answer: exposed, counts.
local BUDGET, EXPOSED = unpack(KEYS)
local controller, count, serial = unpack(ARGV)

local counts = read_budget(BUDGET, rest(4))
local others, _, own, fresh = read_exposure(EXPOSED, controller, count, serial)
if fresh then
  write_exposure(EXPOSED, controller, count, serial)
end
return {others + own, unpack(counts)}
