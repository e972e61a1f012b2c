-- May this number be called now? If so, take it. If not, nothing at all is written.
-- Answer: admission, successes, silent, exposed, milliseconds until free (-1: no end), held by a call in flight.
local SUPPRESS, OPERATOR_DUE, BUDGET, EXPOSED, FLIGHTS, CLOSED = unpack(KEYS)
local call, number, controller, count, serial, checked, guaranteed, numerator, denominator, ttl, value, mark =
  unpack(ARGV)

local successes, silent = read_budget(BUDGET)
local others, stored, own, fresh = read_exposure(EXPOSED, controller, count, serial)

local function refuse(admission, free_in, in_flight)
  return {admission, successes, silent, others + stored, free_in, in_flight}
end

local function admit()
  if fresh then
    write_exposure(EXPOSED, controller, count, serial)
  end
  return {0, successes, silent, others + own, 0, 0}
end

local held = redis.call('GET', SUPPRESS)
if held then
  local by = holder(held)
  local in_flight = by and redis.call('HEXISTS', FLIGHTS, by) or 0
  if in_flight == 1 and by == call then
    return admit() -- said again, because the first answer was lost
  end
  return refuse(1, redis.call('PTTL', SUPPRESS), in_flight)
end

-- The call was given up before this message came; nobody would ever give the number back.
if redis.call('EXISTS', CLOSED) == 1 then
  return refuse(1, 0, 0)
end

if guaranteed == '0' and redis.call('SISMEMBER', OPERATOR_DUE, number) == 1 then
  return refuse(3, 0, 0)
end

-- silent + exposed <= floor(share x successes), without a division. The own exposure counts this call already.
if checked == '1' and (silent + others + own) * tonumber(denominator) > tonumber(numerator) * successes then
  return refuse(2, 0, 0)
end

if not redis.call('SET', SUPPRESS, value, 'NX', 'PX', ttl) then
  return redis.error_reply('ERR suppression key appeared inside a script')
end
redis.call('HSET', FLIGHTS, call, mark)
return admit()
