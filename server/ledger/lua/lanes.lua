-- Records of lanes. At its source a lane is an array {last sent, last settled, first in the outbox,
-- sums}, at its end {last that arrived, its time, refused, sums}; sums are {CUR, total, CUR, total ...}.

local MOST_LEGS = 281474976710655   -- six bytes
local WINDOW = 1000   -- legs ahead of the last settled one; so at most as many are refused
local parse_lane_out, format_lane_out, parse_lane_in, format_lane_in
do

local function parse_sums(text, at)
  local sums, last = {}, #text
  if (last - at + 1) % 11 ~= 0 then
    return nil
  end
  while at <= last do
    local n, code, total = #sums
    code, total, at = decode('>c3I8', text, at)
    if total > MAX or not (codes[code] or is_currency(code)) then
      return nil
    end
    for i = 1, n, 2 do
      if sums[i] == code then return nil end
    end
    sums[n + 1], sums[n + 2] = code, total
  end
  return sums
end

local sum_forms = {[0] = '>', [2] = '>c3I8'}   -- by length of the array

local function format_sums(sums)
  local form = sum_forms[#sums] or '>' .. string.rep('c3I8', #sums / 2)
  return encode(form, spread(sums))
end

-- The lane of a lane-out record; a new one, if there is none; nil if it is damaged.
function parse_lane_out(text)
  if not text then
    return {0, 0, 1, {}}
  elseif #text < 18 then
    return nil
  end
  local sent, done, first = decode('>I6I6I6', text)
  local sums = parse_sums(text, 19)
  if sums and done <= sent and first >= 1 and first <= done + 1 then
    return {sent, done, first, sums}
  end
end

function format_lane_out(lane)
  return encode('>I6I6I6', lane[1], lane[2], lane[3]) .. format_sums(lane[4])
end

-- Likewise of a lane-in record.
function parse_lane_in(text)
  if not text then
    return {0, 0, NONE, {}}
  elseif #text < 14 then
    return nil
  end
  local last, at, count = decode('>I6I6H', text)
  if count > WINDOW or #text < 14 + 6 * count then
    return nil
  end
  local refused = NONE
  if count > 0 then
    refused = {decode('>' .. string.rep('I6', count), text, 15)}
    refused[count + 1] = nil   -- where `decode` stopped
  end
  for i = 1, count do
    if refused[i] > last or refused[i] <= (refused[i - 1] or 0) then return nil end
  end
  local sums = parse_sums(text, 15 + 6 * count)
  return sums and {last, at, refused, sums}
end

function format_lane_in(lane)
  local refused, form = lane[3], '>I6I6H'
  if refused[1] then form = form .. string.rep('I6', #refused) end
  return encode(form, lane[1], lane[2], #refused, spread(refused)) .. format_sums(lane[4])
end

end

-- Adds `sum` to what the lane has carried of `currency`, starting again at 2^53, without ever
-- computing a number that is not exact. Returns what the lane gained.
local function carry(lane, currency, sum)
  local sums, at = lane[4], 1
  while sums[at] and sums[at] ~= currency do
    at = at + 2
  end
  local before = sums[at + 1] or 0
  local after = before > MAX - sum and before - (MAX - sum) - 1 or before + sum
  sums[at], sums[at + 1] = currency, after
  return after >= before and after - before or after + (MAX - before) + 1
end
