-- A batch: everything a call has read, and what it will write. Posts see the effects of those
-- before them. Plain functions and arrays, because this is the store's hot path.

-- Which of the scalars that look missing are there, but of another type; nil for none.
local function find_planted(keys, values, count)
  local missing = {}
  for i = 1, count do
    if not values[i] then
      missing[#missing + 1] = keys[i]
    end
  end
  if #missing == 0 or call('EXISTS', unpack(missing)) == 0 then
    return nil
  end
  local planted = {}
  for i = 1, count do
    planted[i] = not values[i] and call('EXISTS', keys[i]) == 1
  end
  return planted
end

local function open_batch(keys, scalars, lists)
  local values = call('MGET', unpack(keys, 1, scalars))
  return {
    keys = keys, lists_from = scalars, others_from = scalars + lists,
    values = values,
    planted = find_planted(keys, values, scalars) or NONE,
    accounts = {},   -- by scalar, as they are after the posts so far
    totals = {},     -- by scalar, likewise; only those that changed
    lengths = {},    -- entries of each list, likewise
    members = {},    -- by hash, role by name, likewise
    joined = {},     -- by set, how many rooms, likewise
    sets = {},       -- key, value, key, value ... of new scalars
    dirty = {},      -- scalars of accounts that changed, in order
    pushes = {},     -- for each list with new entries: its key and they
    push_of = {},    -- by list, its place in pushes
    edits = {},      -- commands on hashes and sets
  }
end

-- Why scalar i cannot take part: `missing` if it is not there; nil if it can.
local function absent(batch, i, missing)
  if batch.values[i] then
    return nil
  end
  return batch.planted[i] and CORRUPT or missing
end

-- The account of scalar i, which is there; nil if its record is damaged.
local function account_of(batch, i)
  local account = batch.accounts[i]
  if not account then
    account = parse_account(batch.values[i])
    batch.accounts[i] = account
  end
  return account
end

-- Number of entries of list i, counting those this call will append; nil if it is no list.
local function length_of(batch, i)
  local length = batch.lengths[i]
  if not length then
    length = pcall('LLEN', batch.keys[batch.lists_from + i])
    if type(length) ~= 'number' then
      return nil
    end
    batch.lengths[i] = length
  end
  return length
end

-- The role of `who` in the room whose members are hash i, false if none; nil if it is no hash.
local function role_of(batch, i, who)
  local roles = batch.members[i]
  if not roles then
    roles = {}
    batch.members[i] = roles
  end
  if roles[who] == nil then
    local role = pcall('HGET', batch.keys[batch.others_from + i], who)
    if type(role) == 'table' then
      return nil
    end
    roles[who] = role
  end
  return roles[who]
end

-- How many rooms the set i holds; nil if it is no set.
local function rooms_joined(batch, i)
  local count = batch.joined[i]
  if not count then
    count = pcall('SCARD', batch.keys[batch.others_from + i])
    if type(count) ~= 'number' then
      return nil
    end
    batch.joined[i] = count
  end
  return count
end

-- A new scalar: a mark or a password hash.
local function set_scalar(batch, i, text)
  local sets = batch.sets
  local n = #sets
  sets[n + 1], sets[n + 2] = batch.keys[i], text
  batch.values[i] = text
end

-- The account of scalar i is written at the end.
local function changed(batch, i, account)
  if not account.dirty then
    account.dirty = true
    batch.dirty[#batch.dirty + 1] = i
    batch.values[i] = true
  end
end

local function push(batch, i, entry)
  local place = batch.push_of[i]
  if not place then
    place = #batch.pushes + 1
    batch.push_of[i] = place
    batch.pushes[place] = {batch.keys[batch.lists_from + i], entry}
    return
  end
  local command = batch.pushes[place]
  command[#command + 1] = entry
end

local function edit(batch, command, i, ...)
  batch.edits[#batch.edits + 1] = {command, batch.keys[batch.others_from + i], ...}
end
