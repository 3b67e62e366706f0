-- The post at hand, as its row says; see the contract. Plain locals, for the same reason.
local rows, row_at                         -- of the call, and where the next one begins
local kind, old, mark, to, sender, room, first, second, third
local digest, box, body
local amount, currency, total              -- if there is a sender
local members, who                         -- if there is a room
local extra                                -- if it is of a kind that needs more
local away                                 -- if it concerns other partitions

local function open_rows(text)
  rows, row_at = text, 1
end

local function read_extra()
  if kind == REGISTER then
    extra = {}
    extra.secret, extra.value, extra.tokens, extra.token, extra.device, row_at =
      decode('>HHc0HHc0Hc0', rows, row_at)
  elseif kind == CREATE or kind == JOIN or kind == LEAVE then
    extra = {}
    extra.joined, extra.room, extra.most, row_at = decode('>HBc0I4', rows, row_at)
  elseif kind == ARRIVE then
    extra = {}
    extra.leg, extra.lane, extra.seq, extra.at, extra.floor, amount, currency, extra.back,
      extra.outbox, extra.suspense, extra.suspense_box, extra.joined, extra.room, extra.refusal,
      extra.suspended, row_at = decode('>BHI8I8I8I8c3HHHHHBc0I4c0I4c0', rows, row_at)
  elseif kind == SETTLE then
    extra = {}
    extra.lane, extra.outbox, extra.after, extra.done, extra.at, extra.keep, row_at =
      decode('>HHI8I8I8I8', rows, row_at)
  end
end

local function read_away()
  local count
  old, away = old - 2, {}
  away.hint, count, row_at = decode('>BB', rows, row_at)
  for i = 1, count do
    local leg = {}
    leg.lane, leg.outbox, leg.money, leg.text, row_at = decode('>HHBI4c0', rows, row_at)
    away[i] = leg
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
  away = nil
  if old > 1 then
    read_away()
  end
  return true
end
