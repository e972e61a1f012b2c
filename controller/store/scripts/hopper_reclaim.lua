-- Put back what is taken and whose lease has ended. Answer: how many.
local now = ARGV[1]

local ended = redis.call('ZRANGEBYSCORE', TAKEN, '-inf', now)
for _, contact in ipairs(ended) do
  put_back(contact)
end
return {#ended}
