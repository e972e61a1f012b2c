-- Contacts leave the hopper, as far as this controller has taken them.
local controller = ARGV[1]

for i = 2, #ARGV do
  if is_of(ARGV[i], controller) then
    redis.call('HDEL', PLACES, ARGV[i])
    no_longer_taken(ARGV[i])
  end
end
return {}
