-- The post at hand, as its row says; see the contract. Plain locals, for the same reason.
local rows, row_at                         -- of the call, and where the next one begins
local kind, old, mark, to, sender, room, first, second, third
local digest, box, body
local amount, currency, total              -- if there is a sender
local members, who                         -- if there is a room
local extra = {}                           -- if it is of a kind that needs more
local away                                 -- whether it concerns other partitions; if so:
local hint, legs                           -- what is known there; number of legs, and of each
local leg_lanes, leg_outboxes, leg_money, leg_texts = {}, {}, {}, {}

local function open_rows(text)
  rows, row_at = text, 1
end

local function read_extra()
  if kind == ARRIVE then
    local length
    extra.leg, extra.lane, extra.seq, extra.at, extra.floor, amount, currency, length, extra.rest =
      decode('>BHI8I8I8I8c3I4', rows, row_at)
    row_at = extra.rest + length
  elseif kind == SETTLE then
    extra.lane, extra.outbox, extra.after, extra.done, extra.at, extra.keep, extra.count, row_at =
      decode('>HHI8I8I8I8H', rows, row_at)
    extra.rest, row_at = row_at, row_at + 6 * extra.count
  elseif kind == REGISTER then
    extra.secret, extra.value, extra.tokens, extra.token, extra.device, row_at =
      decode('>HHc0HHc0Hc0', rows, row_at)
  elseif kind == CREATE or kind == JOIN or kind == LEAVE then
    extra.joined, extra.room, extra.most, row_at = decode('>HBc0I4', rows, row_at)
  end
end

-- What an arrival needs only if it is refused, or is about somebody's rooms.
local function read_rest()
  local names, ids, rooms, entries, at
  extra.back, extra.outbox, extra.suspense, extra.suspense_box, extra.joined,
    names, ids, rooms, entries, at = decode('>HHHHHBBBI4', rows, extra.rest)
  extra.who, extra.id = sub(rows, at, at + names - 1), sub(rows, at + names, at + names + ids - 1)
  at = at + names + ids
  extra.room = sub(rows, at, at + rooms - 1)
  extra.suspended = sub(rows, at + rooms, at + rooms + entries - 1)
end

local function read_away()
  local money
  old, away = old - 2, true
  hint, legs, row_at = decode('>BB', rows, row_at)
  for i = 1, legs do
    leg_lanes[i], leg_outboxes[i], money, leg_texts[i], row_at = decode('>HHBI4c0', rows, row_at)
    leg_money[i] = money ~= 0
  end
end

-- Reads the next post; false if there is none.
local function next_post()
  if row_at > #rows then
    return false
  end
  local name, length
  kind, old, mark, to, sender, room, first, second, third, digest, name, length, row_at =
    decode('>BBHHHHHHHc16BI4', rows, row_at)
  local body_at = row_at + name
  box, body = sub(rows, row_at, body_at - 1), sub(rows, body_at, body_at + length - 1)
  row_at = body_at + length
  if sender ~= 0 then
    amount, currency, total, row_at = decode('>I8c3H', rows, row_at)
  end
  if room ~= 0 then
    members, who, row_at = decode('>HBc0', rows, row_at)
  end
  if kind ~= ENTRY then
    read_extra()
  end
  away = false
  if old > 1 then
    read_away()
  end
  return true
end
