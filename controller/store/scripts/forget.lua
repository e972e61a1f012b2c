-- A person wants to be forgotten: what protects their number goes on under its alias. Of two protections the
-- longer one stays. What people wrote may name the person: the given words take its place. Answer: 1 if anything was there, 0 if not, -1 if a call is in flight (nothing is done).
local SUPPRESS, ERASED, BARRED, BARRED_ERASED, OPERATOR_DUE, FLIGHTS = unpack(KEYS)
local number, alias, suppressed, barred = unpack(ARGV)

local held = redis.call('GET', SUPPRESS)
local by = held and holder(held)
if by and redis.call('HEXISTS', FLIGHTS, by) == 1 then
  return {-1}
end

local function move(from, to, words)
  local left, there = redis.call('PTTL', from), redis.call('PTTL', to)
  if left == -2 then
    return 0
  end
  if there == -1 or (there ~= -2 and left ~= -1 and there >= left) then
    redis.call('DEL', from)
  else
    redis.call('RENAME', from, to)
    if words then
      redis.call('SET', to, words, 'KEEPTTL')
    end
  end
  return 1
end

local found = move(SUPPRESS, ERASED, not by and suppressed) + move(BARRED, BARRED_ERASED, barred)
if redis.call('SREM', OPERATOR_DUE, number) == 1 then
  redis.call('SADD', OPERATOR_DUE, alias)
  found = found + 1
end
return {found > 0 and 1 or 0}
