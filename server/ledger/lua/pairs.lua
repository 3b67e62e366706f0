-- What two people think of each other, in one scalar for both: two characters, the first of whoever
-- comes first in its key. `-` nothing, `1` to `9` so many things came as a request, `A` accepted, `B`
-- blocked, `D` declined; `?` where the other lives in another partition and only they know.
-- The keys of contacts and offers are made from the pair's, whose tag they share.

local sides, check_pair, set_pair
do

local OPEN, ACCEPT, DECLINE, BLOCK, UNBLOCK = 2, 6, 7, 8, 9   -- modes
local MOST_REQUESTS, MOST_COUNTED = 3, 9

-- The pair's tag, the name of the other one, and which half is of whose box the post speaks first;
-- of what somebody does in a room, whose it is.
function sides()
  local tag, one, two = string.match(keys[scalars_from + pair], '^(.-)f:(@[^@]+)(@[^@]+)$')
  if one == (room ~= 0 and who or box) then return tag, two, 1 end
  return tag, one, 2
end

-- Whether the other one lives in this partition, too.
local function both_here()
  return to ~= 0 and kind ~= ARRIVE
end

-- What the half of someone becomes to whom the post at hand comes; or nil and a status.
local function taken_by(half)
  if half == 'B' or half == 'D' then return nil, Status.NOT_ACCEPTED end
  if half == 'A' or half == '?' or mode == MARKER then return half end
  if mode == STRICT then return nil, Status.NOT_ACCEPTED end
  if mode == OPEN then return 'A' end
  local asked = half == '-' and 0 or number(half)
  if mode == AFTER then
    if asked == 0 then return nil, Status.NOT_ACCEPTED end
    if asked >= MOST_COUNTED then return nil, Status.REQUEST_PENDING end
    return digits(asked + 1)
  end
  if asked >= MOST_REQUESTS then return nil, Status.REQUEST_PENDING end
  if kind == ARRIVE then waits = amount > 0 else waits = sender ~= 0 end
  return digits(asked + 1)
end

-- What the half of someone becomes who posts; whoever writes first, or answers, accepts.
local function given_by(half)
  if half == 'B' then return nil, Status.BLOCKED end
  if mode >= MARKER then return half end
  answered = half ~= 'A' and half ~= '-'
  return 'A'
end

-- What it becomes by a decision.
local function decided(half)
  local asked = find(half, '^[1-9]$')
  answered = true
  if mode == BLOCK then return 'B' end
  if mode == UNBLOCK and half == 'B' then return 'A' end
  if mode == ACCEPT and half == 'B' then return nil, Status.BLOCKED end
  if mode == ACCEPT and (asked or half == 'D') then return 'A' end
  if mode == DECLINE and asked then return 'D' end
  return nil, Status.NO_REQUEST
end

-- Both halves as they are before the post; nil if what is stored cannot be that, or the contacts,
-- where a first contact has to be put.
local function halves(tag, other, side)
  if not tag then return nil end   -- of somebody whose name cannot be one
  local text = values[pair]
  if text then
    if not find(text, '^[-1-9ABD?][-1-9ABD?]$') then return nil end
    return sub(text, side, side), sub(text, 3 - side, 3 - side)
  end
  if absent(pair) or is_error(pcall('HLEN', tag .. 'c:' .. box)) then return nil end
  if not both_here() then return '-', '?' end
  if is_error(pcall('HLEN', tag .. 'c:' .. other)) then return nil end
  return '-', '-'
end

-- Payer, payee and id of a payment that waits; and of the arrival of one.
local function parties_of(tag, other)
  if kind == ARRIVE then
    read_rest()
    return other, box, extra.id
  end
  return box, other, sub(keys[mark], #tag + #box + 4)
end

local SETTLED, WAITING = 'state\167settled', 'state\167waiting'

-- Whether the money can wait: nobody else's offer is in its place.
local function can_wait(tag, other)
  local payer, payee, id = parties_of(tag, other)
  local there = pcall('HGET', tag .. 'u:' .. payee, payer .. ':' .. id)
  return not there and find(body, SETTLED, 1, true)   -- an error is a table
end

-- Whether the post only marks or takes back words, and nobody is there any more to mind it: what an
-- erased account thought of others is forgotten.
local function is_for_nobody()
  if mode < MARKER or mode > AFTER or not values[to] then return false end
  local account = accounts[to]
  return is_closed(account and account[1] or byte(values[to]) or 0)
end

-- Why the post is refused, by what both think of each other; nil if it is not. Not to be called
-- for words or money between two who have accepted each other.
function check_pair()
  if is_for_nobody() then return nil end
  local tag, other, side = sides()
  local own, theirs = halves(tag, other, side)
  local status
  if not own then return Status.CORRUPT end
  if kind == ARRIVE then
    own, status = taken_by(own)
  elseif mode >= ACCEPT then
    own, status = decided(own)
  else
    own, status = given_by(own)
    if not status then theirs, status = taken_by(theirs) end
  end
  if status then return status end
  if waits and not can_wait(tag, other) then return Status.CORRUPT end
  local after = side == 1 and own .. theirs or theirs .. own
  if after ~= values[pair] and mode ~= MARKER and mode ~= STRICT then pair_after = after end
end

-- The entry, or the leg, of a payment that waits.
local function as_waiting(text)
  local at = find(text, SETTLED, 1, true)
  return at and sub(text, 1, at - 1) .. WAITING .. sub(text, at + #SETTLED) or text
end

local function put_offer(tag, other)
  local payer, payee, id = parties_of(tag, other)
  local value = digits(amount) .. ' ' .. currency .. ' ' .. digits_now
  if kind == ARRIVE then
    value = value .. ' ' .. string.match(keys[scalars_from + extra.lane], '}i:(.+)$')
  end
  edits[#edits + 1] = {'HSET', tag .. 'u:' .. payee, payer .. ':' .. id, value}
  body = as_waiting(body)
  for i = 1, away and legs or 0 do leg_texts[i] = as_waiting(leg_texts[i]) end
end

-- The pair becomes what `check_pair` said. The last answer so far is the post's status.
function set_pair()
  local tag, other = sides()
  if not values[pair] then
    edits[#edits + 1] = {'HSETNX', tag .. 'c:' .. box, other, ''}
    if both_here() then edits[#edits + 1] = {'HSETNX', tag .. 'c:' .. other, box, ''} end
  end
  values[pair] = pair_after
  set(keys[scalars_from + pair], pair_after)
  if waits then
    put_offer(tag, other)
    answers[answer_count] = Status.WAITING
  elseif answered then
    answers[answer_count] = Status.ANSWERED
  end
end

end
