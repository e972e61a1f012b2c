-- A campaign's hopper, in four keys:
--   WAITING  sorted set, every score 0, so in the order of its members: <lane>|<rank>|<contact>, the numbers
--            padded to one width. A lane lies together, and '}' is the character after '|'.
--   PLACES   hash: contact -> its member in WAITING, also while it is taken
--   TAKEN    sorted set: contact -> milliseconds since 1970 at which its lease ends
--   TAKERS   hash: contact -> controller that took it
-- What is moved is added before it is removed: a server that is full refuses to add, and then nothing is lost.
local WAITING, PLACES, TAKEN, TAKERS = unpack(KEYS)

-- Read all of them first: a key of another type breaks the script here, before it has written anything.
redis.call('ZCARD', WAITING)
redis.call('HLEN', PLACES)
redis.call('ZCARD', TAKEN)
redis.call('HLEN', TAKERS)

local function first_of(lane)
  return '[' .. lane .. '|'
end

local function after(lane)
  return '(' .. lane .. '}'
end

local function contact_of(member)
  return string.match(member, '|(%d+)$')
end

local function is_of(contact, controller)
  return redis.call('HGET', TAKERS, contact) == controller
end

local function no_longer_taken(contact)
  redis.call('ZREM', TAKEN, contact)
  redis.call('HDEL', TAKERS, contact)
end

local function put_back(contact)
  local member = redis.call('HGET', PLACES, contact)
  if member then -- else somebody deleted keys by hand: the record store has the contact
    redis.call('ZADD', WAITING, 0, member)
  end
  no_longer_taken(contact)
end

local function keep_for(milliseconds)
  for _, key in ipairs(KEYS) do
    redis.call('PEXPIRE', key, milliseconds)
  end
end
