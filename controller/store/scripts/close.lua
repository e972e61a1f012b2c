-- The call is over: give its number back, or leave it alone. ``kind`` is silent, connected, withdrawn (never
-- recorded, so never dialed), or any other outcome.
-- Arguments after the fixed ones: labels whose counts are wanted. Answer: exposed, counts.
local SUPPRESS, OPERATOR_DUE, BUDGET, EXPOSED, FLIGHTS, CLOSED = unpack(KEYS)
local call, number, alias, controller, count, serial, kind, outcome, field, ttl, value, closed_ttl, windows =
  unpack(ARGV)

local labels = rest(14)
read_budget(BUDGET, labels)
local others, _, own, fresh = read_exposure(EXPOSED, controller, count, serial)
local mark = redis.call('HGET', FLIGHTS, call)
local held = redis.call('GET', SUPPRESS)
local ours = held and holder(held) == call
-- The windows in which it was placed: as noted then; else as its controller remembers.
local noted = cjson.decode(mark or windows)
local placed_in = mark and noted.windows or noted

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
    count_in(BUDGET, 'silent', placed_in)
    redis.call('HINCRBY', BUDGET, field, 1)
  elseif mark then
    -- Without a mark nothing is counted or freed: the admission never was, or its traces are lost.
    if kind == 'connected' then
      if not noted.connected then
        count_in(BUDGET, 'successes', placed_in)
      end
      redis.call('SREM', OPERATOR_DUE, number, alias)
    end
    if ours then
      redis.call('DEL', SUPPRESS)
    end
    if kind ~= 'withdrawn' then
      redis.call('HINCRBY', BUDGET, field, 1)
    end
  end
  redis.call('SET', CLOSED, outcome, 'PX', closed_ttl)
end
if mark then
  redis.call('HDEL', FLIGHTS, call)
end
if fresh then
  write_exposure(EXPOSED, controller, count, serial)
end
return {others + own, unpack(read_budget(BUDGET, labels))}
