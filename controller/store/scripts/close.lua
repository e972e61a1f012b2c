-- The call is over: give its number back, or leave it alone. Answer: successes, silent, exposed.
local SUPPRESS, OPERATOR_DUE, BUDGET, EXPOSED, FLIGHTS, CLOSED = unpack(KEYS)
local call, number, controller, count, serial, kind, outcome, field, ttl, value, closed_ttl = unpack(ARGV)

local successes, silent = read_budget(BUDGET)
local others, _, own, fresh = read_exposure(EXPOSED, controller, count, serial)
local mark = redis.call('HGET', FLIGHTS, call)
local held = redis.call('GET', SUPPRESS)
local ours = held and holder(held) == call

-- The key is this call's own, or free, unless Redis lost data; then the longer protection stays.
local function leave_alone()
  local pttl = tonumber(ttl)
  if held and not ours then
    local theirs = redis.call('PTTL', SUPPRESS)
    if theirs == -1 then
      return
    end
    pttl = math.max(pttl, theirs)
  end
  if pttl > 0 then
    redis.call('SET', SUPPRESS, value, 'PX', string.format('%.0f', pttl))
  elseif held then
    redis.call('DEL', SUPPRESS) -- heard of so late that the time is over
  end
end

if redis.call('EXISTS', CLOSED) == 0 then
  if kind == 'silent' then
    -- Also without a mark: what may have been silent is never let off because Redis lost data.
    redis.call('SADD', OPERATOR_DUE, number)
    leave_alone()
    silent = redis.call('HINCRBY', BUDGET, 'silent', 1)
    redis.call('HINCRBY', BUDGET, field, 1)
  elseif mark then
    -- Without a mark nothing is counted or freed: the admission never was, or its traces are lost.
    if kind == 'connected' then
      if not cjson.decode(mark).connected then
        successes = redis.call('HINCRBY', BUDGET, 'successes', 1)
      end
      redis.call('SREM', OPERATOR_DUE, number)
    end
    if ours then
      redis.call('DEL', SUPPRESS)
    end
    redis.call('HINCRBY', BUDGET, field, 1)
  end
  redis.call('SET', CLOSED, outcome, 'PX', closed_ttl)
end
if mark then
  redis.call('HDEL', FLIGHTS, call)
end
if fresh then
  write_exposure(EXPOSED, controller, count, serial)
end
return {successes, silent, others + own}
