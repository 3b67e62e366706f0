-- Everything a call has read, and what it will write: posts see the effects of those before them.
local Batch = {}
Batch.__index = Batch

local function read_scalars(keys, count)
  local names = {unpack(keys, 1, count)}
  local values = redis.call('MGET', unpack(names))
  -- MGET answers nil for a key of another type, too; such a key must not pass for a missing one.
  local missing = {}
  for i = 1, count do
    if not values[i] then
      missing[#missing + 1] = names[i]
    end
  end
  local planted = {}
  if #missing > 0 and redis.call('EXISTS', unpack(missing)) > 0 then
    for i = 1, count do
      planted[i] = not values[i] and redis.call('EXISTS', names[i]) == 1
    end
  end
  return values, planted
end

local function open_batch(keys, scalars, lists)
  local values, planted = read_scalars(keys, scalars)
  return setmetatable({
    keys = keys, lists_from = scalars, others_from = scalars + lists,
    values = values, planted = planted, accounts = {}, changed = {}, changes = 0,
    lengths = {}, entries = {}, members = {}, joined = {}, edits = {},
  }, Batch)
end

-- The scalar's text, nil if there is none; second result: whether its key has a wrong type.
function Batch:scalar(i)
  return self.values[i] or nil, self.planted[i]
end

function Batch:set(i, text)
  self.values[i] = text
  if not self.changed[i] then
    self.changed[i] = true
    self.changes = self.changes + 1
  end
end

-- Why scalar i cannot take part: `missing` if it is not there; nil if it can.
function Batch:absent(i, missing)
  if self.values[i] then
    return nil
  end
  return self.planted[i] and CORRUPT or missing
end

-- The account of scalar i, which is there; nil if its record is damaged.
function Batch:account(i)
  local account = self.accounts[i]
  if not account then
    account = parse_account(self.values[i])
    self.accounts[i] = account
  end
  return account
end

-- Number of entries of list i, counting those this call will append; nil if it is no list.
function Batch:length(i)
  local length = self.lengths[i]
  if not length then
    length = redis.pcall('LLEN', self.keys[self.lists_from + i])
    if type(length) ~= 'number' then
      return nil
    end
    self.lengths[i] = length
  end
  return length
end

-- The role of `who` in the room whose members are hash i, false if none; nil if it is no hash.
function Batch:role(i, who)
  local roles = self.members[i]
  if not roles then
    roles = {}
    self.members[i] = roles
  end
  if roles[who] == nil then
    local role = redis.pcall('HGET', self.keys[self.others_from + i], who)
    if type(role) == 'table' then
      return nil
    end
    roles[who] = role
  end
  return roles[who]
end

-- How many rooms the set i holds; nil if it is no set.
function Batch:rooms_joined(i)
  local count = self.joined[i]
  if not count then
    count = redis.pcall('SCARD', self.keys[self.others_from + i])
    if type(count) ~= 'number' then
      return nil
    end
    self.joined[i] = count
  end
  return count
end

function Batch:edit(command, i, ...)
  self.edits[#self.edits + 1] = {command, self.keys[self.others_from + i], ...}
end
