-- The call at hand: what it has read, and what it will write. Posts see the effects of those before
-- them. The store runs one call at a time, so all this is kept in plain locals, not in a table that
-- is passed around: this is the store's hot path.
local now, digits_now, stamp_now   -- the time in ms; the same as 13 digits; as six bytes
local keys
local scalars_from, lists_from, others_from   -- each group's first key has the index after this
local marked                                  -- whether any of the marks was there
local values                                  -- scalars as read; true once there by a post's doing

local marks      -- by mark, as they are after the posts so far; nil: not looked at
local accounts   -- by scalar, likewise
local totals     -- by scalar, likewise; only those that changed
local lengths    -- entries of each list, likewise
local roles      -- by hash, role by name, likewise
local joined     -- by set, how many rooms, likewise

local sets, set_count   -- key, value, key, value ... of new scalars
local dirty             -- scalars of accounts that changed, as keys
local pushes, more      -- by list, its first new entry; and an array of those after it
local edits             -- commands on hashes and sets
local lanes             -- by scalar, as they are after the posts so far; nil where no post crosses
local lanes_out, lanes_in   -- scalars of those that changed, as keys
local trims             -- by list, how many to drop from its beginning
local answers, answer_count   -- what the call answers

local function is_error(reply)
  return type(reply) == 'table'
end

local function open_batch(names, mark_count, scalar_count, list_count)
  keys = names
  scalars_from, lists_from = mark_count, mark_count + scalar_count
  others_from = lists_from + list_count
  marked = mark_count > 0 and call('EXISTS', spread(keys, 1, mark_count)) > 0
  values = scalar_count > 0 and call('MGET', spread(keys, mark_count + 1, lists_from)) or NONE
  marks, accounts, totals, lengths, roles, joined = {}, {}, {}, {}, {}, {}
  sets, set_count, dirty, pushes, more, edits = {}, 0, {}, {}, {}, {}
  answers, answer_count = {}, 0
  lanes = nil
end

-- Duplicate mark i: false or nil if there is none; if something else is in its place, a text that
-- is no mark.
local function mark_at(i)
  local text = marks[i]
  if text == nil and marked then
    text = pcall('GET', keys[i])
    if is_error(text) then text = '' end
    marks[i] = text
  end
  return text
end

-- Why scalar i cannot take part: `missing` if it is not there; nil if it can.
local function absent(i, missing)
  if values[i] then
    return nil
  end
  return call('EXISTS', keys[scalars_from + i]) == 1 and CORRUPT or missing
end

-- The account of scalar i, which is there; nil if its record is damaged.
local function account_of(i)
  local account = accounts[i]
  if not account then
    account = parse_account(values[i])
    accounts[i] = account
  end
  return account
end

-- Number of entries of list i, counting those this call will append; nil if it is no list.
local function length_of(i)
  local length = lengths[i]
  if not length then
    length = number(pcall('LLEN', keys[lists_from + i]))   -- nil of an error
    lengths[i] = length
  end
  return length
end

-- The role of `who` in the room whose members are hash i, false if none; nil if it is no hash.
local function role_of(i, who)
  local by_name = roles[i]
  if not by_name then
    by_name = {}
    roles[i] = by_name
  end
  if by_name[who] == nil then
    local role = pcall('HGET', keys[others_from + i], who)
    if is_error(role) then
      return nil
    end
    by_name[who] = role
  end
  return by_name[who]
end

-- How many rooms the set i holds; nil if it is no set.
local function rooms_joined(i)
  local count = joined[i]
  if not count then
    count = number(pcall('SCARD', keys[others_from + i]))   -- nil of an error
    joined[i] = count
  end
  return count
end

local function set(key, text)
  sets[set_count + 1], sets[set_count + 2] = key, text
  set_count = set_count + 2
end

-- Appends `entry` to list i, and answers its place there.
local function push(i, entry)
  local seq, before = lengths[i] + 1, pushes[i]
  lengths[i] = seq
  if not before then
    pushes[i] = entry
  elseif more[i] then
    more[i][#more[i] + 1] = entry
  else
    more[i] = {entry}
  end
  answer_count = answer_count + 1
  answers[answer_count] = seq
  return seq
end

local function edit(command, i, ...)
  edits[#edits + 1] = {command, keys[others_from + i], ...}
end

-- The lane of scalar i, read by `parse`, which makes a new one of nothing; nil if it is damaged.
local function lane_of(i, parse)
  if not lanes then
    lanes, lanes_out, lanes_in, trims = {}, {}, {}, {}
  end
  local lane = lanes[i]
  if not lane and (values[i] or call('EXISTS', keys[scalars_from + i]) == 0) then
    lane = parse(values[i])
    lanes[i] = lane
  end
  return lane
end

-- The lane-out of scalar i, if it can take another leg into the outbox that is list `outbox`.
local function open_lane(i, outbox)
  local lane = lane_of(i, parse_lane_out)
  if lane and lane[1] < MOST_LEGS and length_of(outbox) == lane[1] - lane[3] + 1 then
    return lane
  end
end

-- Puts a leg into the outbox of the lane-out of scalar i, and answers its number.
local function send_leg(i, outbox, leg)
  local lane = lanes[i]
  lane[1] = lane[1] + 1
  push(outbox, stamp_now .. leg)
  answers[answer_count] = lane[1]
  lanes_out[i] = true
end
