-- A person wants to be forgotten: what protects their number goes on under its alias. Of two protections the
-- longer one stays. Answer: 1 if anything was there, 0 if not, -1 if a call is in flight (nothing is done).
local SUPPRESS, ERASED, BARRED, BARRED_ERASED, OPERATOR_DUE, FLIGHTS = unpack(KEYS)
local number, alias = unpack(ARGV)

local held = redis.call('GET', SUPPRESS)
local by = held and holder(held)
if by and redis.call('HEXISTS', FLIGHTS, by) == 1 then
  return {-1}
end

local function move(from, to)
  local left, there = redis.call('PTTL', from), redis.call('PTTL', to)
  if left == -2 then
    return 0
  end
  if there == -1 or (there ~= -2 and left ~= -1 and there >= left) then
    redis.call('DEL', from)
  else
    redis.call('RENAME', from, to)
  end
  return 1
end

local found = move(SUPPRESS, ERASED) + move(BARRED, BARRED_ERASED)
if redis.call('SREM', OPERATOR_DUE, number) == 1 then
  redis.call('SADD', OPERATOR_DUE, alias)
  found = found + 1
end
return {found > 0 and 1 or 0}
