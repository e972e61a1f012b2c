-- Empty the lanes named, or all if none is.
local function empty(from, to)
  for _, member in ipairs(redis.call('ZRANGEBYLEX', WAITING, from, to)) do
    redis.call('HDEL', PLACES, contact_of(member))
  end
  redis.call('ZREMRANGEBYLEX', WAITING, from, to)
end

if #ARGV == 0 then
  empty('-', '+')
end
for _, lane in ipairs(ARGV) do
  empty(first_of(lane), after(lane))
end
return {}
