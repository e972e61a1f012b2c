-- May this number be called now? If so, take it. If not, nothing at all is written.
-- Arguments after the fixed ones: label, numerator, denominator of each limit's current window.
-- Answer: admission, milliseconds until free (-1: no end), held by a call in flight, exposed, counts as
-- read_budget gives them.
local SUPPRESS, ERASED, BARRED, BARRED_ERASED, OPERATOR_DUE, BUDGET, EXPOSED, FLIGHTS, CLOSED = unpack(KEYS)
local call, number, alias, controller, count, serial, checked, guaranteed, ttl, value, mark = unpack(ARGV)

local labels, shares = {}, {}
for i = 12, #ARGV, 3 do
  labels[#labels + 1] = ARGV[i]
  shares[#shares + 1] = {tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])}
end
local counts = read_budget(BUDGET, labels)
local others, stored, own, fresh = read_exposure(EXPOSED, controller, count, serial)

local function refuse(admission, free_in, in_flight)
  return {admission, free_in, in_flight, others + stored, unpack(counts)}
end

local function admit()
  if fresh then
    write_exposure(EXPOSED, controller, count, serial)
  end
  return {0, 0, 0, others + own, unpack(counts)}
end

-- Whatever else holds the number: of several protections the longest counts.
local function protected()
  local longest = nil
  for _, key in ipairs({SUPPRESS, ERASED, BARRED, BARRED_ERASED}) do
    local left = redis.call('PTTL', key)
    if left == -1 then
      return -1
    elseif left ~= -2 and (longest == nil or left > longest) then
      longest = left
    end
  end
  return longest
end

-- silent + exposed <= floor(share x successes) in every window, without a division. The own exposure counts
-- this call already. Without any limit nothing may be exposed.
local function affordable()
  for i, share in ipairs(shares) do
    local successes, silent = counts[2 * i + 1], counts[2 * i + 2]
    if (silent + others + own) * share[2] > share[1] * successes then
      return false
    end
  end
  return #shares > 0
end

local held = redis.call('GET', SUPPRESS)
local by = held and holder(held)
local in_flight = by and redis.call('HEXISTS', FLIGHTS, by) or 0
if in_flight == 1 and by == call then
  return admit() -- said again, because the first answer was lost
end
local free_in = protected()
if free_in then
  return refuse(1, free_in, in_flight)
end

-- The call was given up before this message came; nobody would ever give the number back.
if redis.call('EXISTS', CLOSED) == 1 then
  return refuse(1, 0, 0)
end

if guaranteed == '0' then
  if redis.call('SISMEMBER', OPERATOR_DUE, number) == 1 or redis.call('SISMEMBER', OPERATOR_DUE, alias) == 1 then
    return refuse(3, 0, 0)
  end
end

if checked == '1' and not affordable() then
  return refuse(2, 0, 0)
end

if not redis.call('SET', SUPPRESS, value, 'NX', 'PX', ttl) then
  return redis.error_reply('ERR suppression key appeared inside a script')
end
redis.call('HSET', FLIGHTS, call, mark)
return admit()
