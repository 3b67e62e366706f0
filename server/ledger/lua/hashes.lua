-- What fields of hashes hold besides plain values: notes of entries, and times at which they end.

local with_note, may_note, count_ended, drop_ended
do

local NOTES_MAX = 1024   -- in one field of an index of refs: six bytes each, or so many with a tag,
local TAGGED, TAG_WHO = 20, 8   -- which begins with whose it is

-- Where `text`, the tag of a note or its beginning, next stands in `value`, from `at` on; nil if nowhere.
local function next_tag(value, text, at)
  repeat
    at = find(value, text, at, true)
    if not at or (at - 7) % TAGGED == 0 then return at end
    at = at + 1
  until false
end

-- How many notes in `value` have a tag that begins with `text`.
local function count_tags(value, text)
  local count, at = 0, next_tag(value, text, 1)
  while at do
    count, at = count + 1, next_tag(value, text, at + 1)
  end
  return count
end

-- `value`, the notes of a field, with one of `seq`; the one with the same tag, if it has a tag, goes. A
-- full field stays as it is. Nil if these are no notes.
function with_note(value, seq, tag)
  local size = 6 + #tag
  if #value % size ~= 0 then return nil end
  local at = tag ~= '' and next_tag(value, tag, 1)
  if at then
    value = sub(value, 1, at - 7) .. sub(value, at + #tag)
  elseif #value >= NOTES_MAX * size then
    return value
  end
  return value .. encode('>I6', seq) .. tag
end

-- Whether the notes `value` have one with the tag in `text`, or fewer of the same owner than the number
-- before it; and that number. Nil if these are no notes with tags.
function may_note(value, text)
  local _, _, most, tag = find(text, '^(%d+) (.*)$')
  if #value % TAGGED ~= 0 then return nil end
  return next_tag(value, tag, 1) or count_tags(value, sub(tag, 1, TAG_WHO)) < number(most), most
end

local SAMPLE = 20   -- fields that are looked at, so that the work has a bound; any of them
local samples, samples_at   -- by hash, field and value by turns; and the answers, which tell the call

local function sample_of(i)
  if samples_at ~= answers then samples, samples_at = {}, answers end
  if not samples[i] then
    local found = pcall('HRANDFIELD', keys[others_from + i], SAMPLE, 'WITHVALUES')
    if found.err then return nil end
    samples[i] = found
  end
  return samples[i]
end

-- The letters of fields that end with `field` of hash i, which was read as `value`, itself among them;
-- nil if it has not ended, or this call has changed it. `groups`: see Op.SWEEP.
local function ended_with(i, groups, field, value)
  local at = find(',' .. groups, ',' .. sub(field, 1, 1), 1, true)
  local time = at and integer(value)
  if not time or time <= 0 or time > now then return nil end
  local known = fields[i] and fields[i][field]
  if known ~= nil and known ~= value then return nil end
  local _, _, letters = find(groups, '^([^,]+)', at)
  return letters
end

-- How many fields `drop_ended` would drop; nil if hash i is none.
function count_ended(i, groups)
  local count, sample = 0, sample_of(i)
  if not sample then return nil end
  for n = 1, #sample, 2 do
    local letters = ended_with(i, groups, sample[n], sample[n + 1])
    if letters then count = count + #letters end
  end
  return count
end

-- Drops fields of hash i that have ended. What was looked at is known by then.
function drop_ended(i, groups)
  local sample = sample_of(i)
  for n = 1, #sample, 2 do
    local letters = ended_with(i, groups, sample[n], sample[n + 1])
    for k = 1, letters and #letters or 0 do
      local field = sub(letters, k, k) .. sub(sample[n], 2)
      if field_of(i, field) then put_field(i, field, false) end
    end
  end
end

end
