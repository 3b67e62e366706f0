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
local fields     -- by hash, value by field, likewise; by set, whether it holds a name
local sizes      -- by hash or set, how many fields or names it held when the call began
local grown      -- by hash or set, how many more it has by now

local sets, set_count   -- key, value, key, value ... of new scalars
local dirty             -- scalars of accounts that changed, as keys
local pushes, more      -- by list, its first new entry; and an array of those after it
local edits             -- commands on hashes and sets, by fields
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
  marks, accounts, totals, lengths, fields, sizes, grown = {}, {}, {}, {}, {}, {}, {}
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
  return call('EXISTS', keys[scalars_from + i]) == 1 and Status.CORRUPT or missing
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

-- What was learned of `name` in hash or set i, by `command`; nil if it is none.
local function learn(command, i, name)
  local reply = pcall(command, keys[others_from + i], name)
  if is_error(reply) then
    return nil
  end
  fields[i] = fields[i] or {}
  fields[i][name] = reply
  return reply
end

-- The value of `field` in hash i, false if it is not there; nil if it is no hash.
local function field_of(i, field)
  local known = fields[i]
  known = known and known[field]
  if known == nil then
    return learn('HGET', i, field)
  end
  return known
end

-- 1 if set i holds `name`, else 0; nil if it is no set.
local function is_in(i, name)
  return fields[i] and fields[i][name] or learn('SISMEMBER', i, name)
end

-- How many fields hash i has (`command` is HLEN), or names set i (SCARD); nil if it is none.
local function size_of(command, i)
  local size = sizes[i]
  if not size then
    size = number(pcall(command, keys[others_from + i]))   -- nil of an error
    sizes[i] = size
  end
  return size and size + (grown[i] or 0)
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

local function grow(i, by)
  grown[i] = (grown[i] or 0) + by
end

-- `field` of hash i now holds `value`; false: it is not there any more. `field_of` knows it.
local function put_field(i, field, value)
  local before, key = fields[i][field], keys[others_from + i]
  if before == value then return end
  if not before then grow(i, 1) elseif not value then grow(i, -1) end
  fields[i][field] = value
  edits[#edits + 1] = value and {'HSET', key, field, value} or {'HDEL', key, field}
end

-- Set i now holds `name`, if `with`, or does not. `is_in` knows it.
local function put_name(i, name, with)
  local after = with and 1 or 0
  if fields[i][name] == after then return end
  grow(i, with and 1 or -1)
  fields[i][name] = after
  edits[#edits + 1] = {with and 'SADD' or 'SREM', keys[others_from + i], name}
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
