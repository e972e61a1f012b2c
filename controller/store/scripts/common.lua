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

-- A window's field: its counter's name, and its label unless it is the whole campaign's.
local function counter(name, label)
  return label == '' and name or name .. ':' .. label
end

-- Successes and silent calls of each window, flat: successes, silent, successes, silent, ... The whole
-- campaign comes first, then the labels in their order.
local function read_budget(key, labels)
  local fields = {'successes', 'silent'}
  for _, label in ipairs(labels) do
    fields[#fields + 1] = counter('successes', label)
    fields[#fields + 1] = counter('silent', label)
  end
  local counts = redis.call('HMGET', key, unpack(fields))
  for i = 1, #fields do
    counts[i] = tonumber(counts[i] or 0)
  end
  return counts
end

-- Count a call in the whole campaign and in each of its windows.
local function count_in(key, name, labels)
  redis.call('HINCRBY', key, name, 1)
  for _, label in ipairs(labels) do
    if label ~= '' then
      redis.call('HINCRBY', key, counter(name, label), 1)
    end
  end
end

-- The arguments from the given one on.
local function rest(from)
  local found = {}
  for i = from, #ARGV do
    found[#found + 1] = ARGV[i]
  end
  return found
end

-- The call that holds a suppression key; nil if a person set the key by hand.
local function holder(value)
  return string.match(value, '^[FSU] (.+) %w+$')
end
