-- The post at hand, as its row says; see the contract. Plain locals, for the same reason.
local rows, row_at                         -- of the call, and where the next one begins
local kind, flags, mode, mark, to, sender, room, pair, first, second, third
local digest, box, body
local amount, currency, total              -- if there is a sender
local members, who                         -- if there is a room
local extra = {}                           -- if it is of a kind that needs more
local asks                                 -- whether it has conditions or changes; if so:
local conditions, changes, condition_count, change_count = {}, {}
local pair_after                           -- what the pair becomes; nil: what it is
local waits, answered                      -- whether its money waits; whether it decides a request
local away                                 -- whether it concerns other partitions; if so:
local hint, legs                           -- what is known there; number of legs, and of each
local leg_lanes, leg_outboxes, leg_money, leg_texts = {}, {}, {}, {}

local function open_rows(text)
  rows, row_at = text, 1
end

local function read_extra()
  if kind == ARRIVE then
    local length
    extra.leg, extra.lane, extra.seq, extra.at, extra.behind, extra.floor, amount, currency, length,
      extra.rest = decode('>BHI8I8I8I8I8c3I4', rows, row_at)
    row_at = extra.rest + length
  elseif kind == SETTLE then
    extra.lane, extra.outbox, extra.after, extra.done, extra.at, extra.keep, extra.count, row_at =
      decode('>HHI8I8I8I8H', rows, row_at)
    extra.rest, row_at = row_at, row_at + 6 * extra.count
  elseif kind == REGISTER then
    extra.secret, extra.value, extra.tokens, extra.token, extra.device, row_at =
      decode('>HHc0HHc0Hc0', rows, row_at)
  elseif kind == FLAG then
    extra.flag, extra.on, row_at = decode('>BB', rows, row_at)
  elseif kind == TAKE or kind == GIVE_BACK then
    extra.id, extra.value, extra.age, extra.suspense, extra.suspense_box, extra.suspended, row_at =
      decode('>Bc0Bc0I8HHI4c0', rows, row_at)
  elseif kind == MEND then
    extra.lane, extra.outbox, extra.before, extra.number, extra.count, row_at =
      decode('>HHI8I8H', rows, row_at)
    extra.rest, row_at = row_at, row_at + 15 * extra.count
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

local EITHER = 128   -- in the number of a test: this condition or the next must hold

local function read_asks()
  local i, what, status, field, text
  asks = true
  condition_count, change_count, row_at = decode('>BB', rows, row_at)
  for n = 1, condition_count do
    i, what, status, field, text, row_at = decode('>HBBBc0Hc0', rows, row_at)
    conditions[n] = {i, what % EITHER, status, field, text, what >= EITHER}
  end
  for n = 1, change_count do
    i, what, field, text, row_at = decode('>HBBc0Hc0', rows, row_at)
    changes[n] = {i, what, field, text}
  end
end

local function read_away()
  local money
  away = true
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
  kind, flags, mode, mark, to, sender, room, pair, first, second, third, digest, body, box, row_at =
    decode('>BBBHHHHHHHHc16I4c0Bc0', rows, row_at)
  if sender ~= 0 then
    amount, currency, total, row_at = decode('>I8c3H', rows, row_at)
  end
  if room ~= 0 then
    members, who, row_at = decode('>HBc0', rows, row_at)
  end
  if kind ~= ENTRY then
    read_extra()
  end
  asks, away, pair_after, waits, answered = false, false, nil, false, false
  if flags > 1 then
    if flags >= 4 then read_asks() end
    if flags % 4 >= 2 then read_away() end
  end
  return true
end
