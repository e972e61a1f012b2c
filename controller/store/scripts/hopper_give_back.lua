-- Contacts go back to where they were, as far as this controller has taken them.
local controller = ARGV[1]

for i = 2, #ARGV do
  if is_of(ARGV[i], controller) then
    put_back(ARGV[i])
  end
end
return {}
