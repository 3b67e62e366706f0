-- What the post at hand asks of hashes, and what it changes in hashes and sets. The numbers are
-- those of server/ledger/conditions.py.

local check_conditions, check_changes, change_fields
do

-- Whether a time in ms, as text, has passed; nil if it is none.
local function has_passed(text)
  local time = integer(text)
  if time and time >= 0 then
    return time > 0 and time <= now
  end
end

local function is_one_of(value, words)
  local _, _, word = find(value, '^([^ ,]*)')
  return find(',' .. words .. ',', ',' .. word .. ',', 1, true) ~= nil
end

-- By number: whether the field's value (false: it is not there) is as it must be, and perhaps a
-- detail if it is not; nil if it cannot be what it is.
local of_field = {
  [0] = function(value) return not value end,
  function(value, words) return value and is_one_of(value, words) end,
  function(value, words) return not (value and is_one_of(value, words)) end,
  function(value)
    if not value then return true end
    return has_passed(value), value
  end,
  function(value)
    if not value then return false end
    local passed = has_passed(value)
    if passed ~= nil then return not passed end
  end,
  function(value, text)
    if not value then return false end
    local found, most = integer(value), integer(text)
    if found and most then return found > most end
  end,
  [8] = function(value, text) return may_note(value or '', text) end,
}

local FEWER, SOME, ROLE_OF = 6, 7, 9

-- Likewise; some look at the hash as a whole.
local function holds(i, test, field, text)
  if test == SOME then
    local size = size_of('HLEN', i)
    return size and size > 0
  elseif test == FEWER then
    local size, limit = size_of('HLEN', i), integer(text)
    if not size or not limit then return nil end
    if size < limit or field == '' then return size < limit, text end
    local ended = count_ended(i, field)
    return ended and size - ended < limit, text
  elseif test == ROLE_OF then
    local name = field_of(i, field)
    if not name then return name end
    if room == 0 then return nil end
    local role = field_of(members, name)
    return role and is_one_of(role, text)
  end
  local value = field_of(i, field)
  if value ~= nil and of_field[test] then
    return of_field[test](value, text)
  end
end

function check_conditions()
  local forgiven   -- one before, in a chain of which one is enough, holds
  for n = 1, condition_count do
    local i, test, status, field, text, either = spread(conditions[n])
    if not forgiven then
      local held, detail = holds(i, test, field, text)
      if held == nil then return Status.CORRUPT end
      if not (held or either) then return status, detail end
      forgiven = held
    end
    forgiven = forgiven and either
  end
end

local function box_at(place)
  return place == '1' and first or place == '2' and second or place == '3' and third or 0
end

-- What `field` holds after the change; false: it is not there any more; nil if that cannot be.
local new_value = {
  [0] = function(_, text) return text end,
  function() return false end,
  function(value, text)
    local before, more = integer(value or '0'), integer(text)
    local sum = before and more and before + more
    return sum and sum >= -MAX and sum <= MAX and digits(sum) or nil
  end,
  function(_, text)
    local ahead = integer(text)
    return ahead and digits(now + ahead) or nil
  end,
  function(value, text)
    local seq = lengths[box_at(sub(text, 1, 1))]
    return seq and with_note(value or '', seq, sub(text, 2))
  end,
  [7] = function(value, text)
    local ahead, _, _, word = integer(text), find(value or '', '^(%S*)')
    if not ahead then return nil end
    return value and (ahead == 0 and word or word .. ' ' .. digits(now + ahead))
  end,
}
local ENLIST, STRIKE, SWEEP = 5, 6, 8

-- Whether every change can be made: a status if not.
function check_changes()
  for n = 1, change_count do
    local i, op, name, text = spread(changes[n])
    if op == ENLIST or op == STRIKE then
      if is_in(i, name) == nil then return Status.CORRUPT end
    elseif op == SWEEP then
      if not count_ended(i, text) then return Status.CORRUPT end
    else
      local value = field_of(i, name)
      if value == nil or not new_value[op] then return Status.CORRUPT end
      if new_value[op](value, text) == nil then return Status.CORRUPT end
    end
  end
end

-- Makes the changes; the entry has its place by now.
function change_fields()
  for n = 1, change_count do
    local i, op, name, text = spread(changes[n])
    if op == ENLIST or op == STRIKE then
      put_name(i, name, op == ENLIST)
    elseif op == SWEEP then
      drop_ended(i, text)
    else
      put_field(i, name, new_value[op](fields[i][name], text))
    end
  end
end

end
