-- How full is it? Answer: how many are taken; then lane, how many wait in it, for each lane that is not empty.
local answer, from = {redis.call('ZCARD', TAKEN)}, '-'
while true do
  local member = redis.call('ZRANGEBYLEX', WAITING, from, '+', 'LIMIT', 0, 1)[1]
  if not member then
    return answer
  end
  local lane = string.match(member, '^([^|]*)|')
  answer[#answer + 1] = lane
  answer[#answer + 1] = redis.call('ZLEXCOUNT', WAITING, first_of(lane), after(lane))
  from = after(lane)
end
