-- What the scripts share. All arithmetic is on integers below 2^53, where Lua's numbers are exact.

-- Serials are compared as decimal digits, so that they may be longer than a Lua number is exact.
local function newer(serial, stored)
  if #serial ~= #stored then
    return #serial > #stored
  end
  return serial > stored
end

-- Exposed calls of a campaign: what the other controllers have, what this one had, and what it has if its
-- message is newer than what is stored (fresh). Without a serial the message says nothing.
local function read_exposure(key, controller, count, serial)
  local others, stored, fresh = 0, 0, serial ~= ''
  local rows = redis.call('HGETALL', key)
  for i = 1, #rows, 2 do
    local its_serial, its_count = string.match(rows[i + 1], '^(%d+):(%d+)$')
    if rows[i] == controller then
      stored = tonumber(its_count)
      fresh = fresh and newer(serial, its_serial)
    else
      others = others + tonumber(its_count)
    end
  end
  return others, stored, fresh and tonumber(count) or stored, fresh
end

local function write_exposure(key, controller, count, serial)
  redis.call('HSET', key, controller, serial .. ':' .. count)
end

local function read_budget(key)
  local counts = redis.call('HMGET', key, 'successes', 'silent')
  return tonumber(counts[1] or 0), tonumber(counts[2] or 0)
end

-- The call that holds a suppression key; nil if a person set the key by hand.
local function holder(value)
  local ok, held = pcall(cjson.decode, value)
  if ok and type(held) == 'table' and type(held.call) == 'string' then
    return held.call
  end
  return nil
end
