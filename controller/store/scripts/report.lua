-- Take note of how many calls are exposed, if a serial is given; read the budget.
-- Answer: successes, silent, exposed.
local BUDGET, EXPOSED = unpack(KEYS)
local controller, count, serial = unpack(ARGV)

local successes, silent = read_budget(BUDGET)
local others, _, own, fresh = read_exposure(EXPOSED, controller, count, serial)
if fresh then
  write_exposure(EXPOSED, controller, count, serial)
end
return {successes, silent, others + own}
