-- What a courier posts: legs at the end of their lane, and settlements at its source. These are
-- nobody's frames. They have no marks; the numbers of the lane tell what came before.

local apply_lane_post, answer, answer_instead, suspense_account
do

function answer(status, detail)
  answers[answer_count + 1], answers[answer_count + 2] = status, detail or false
  answer_count = answer_count + 2
end

-- Answers `status` in place of everything behind the first `before` answers.
function answer_instead(before, status, detail)
  for n = answer_count, before + 1, -1 do answers[n] = nil end
  answer_count = before
  answer(status, detail)
end

local function was_refused(lane, seq)
  for _, refused in ipairs(lane[3]) do
    if refused == seq then return true end
  end
end

-- Why the account cannot take the leg's money. A return comes even to one that is frozen.
local function check_credit()
  local payee = account_of(to)
  if not payee or payee[2] >= MAX then return Status.CORRUPT end
  if extra.leg ~= LEG_RETURN and is_frozen(payee) then return Status.PARTY_FROZEN end
  local at = place_of(payee, currency)
  if at and amount > MAX - payee[at + 1] - payee[at + 2] then return Status.BALANCE_OVERFLOW end
end

-- Why whom the leg at hand is for cannot take part; nil if they can.
local function check_recipient()
  if extra.leg == LEG_JOIN or extra.leg == LEG_LEAVE then
    read_rest()
    return not size_of('SCARD', extra.joined) and Status.CORRUPT or nil
  elseif room ~= 0 then
    return not values[room] and absent(room, Status.UNKNOWN_ROOM) or check_rights()
  end
  return not values[to] and absent(to, Status.UNKNOWN_ACCOUNT) or check_closed()
end

-- Why the leg at hand cannot be done; nil if it can.
local function rejection()
  local status = check_recipient()
  if not status and asks then status = check_conditions() end
  if not status and pair ~= 0 then status = check_pair() end
  if not status and to ~= 0 and extra.leg ~= LEG_RETURN then status = check_suspended() end
  if not status and first ~= 0 then status = check_boxes() end
  if not status and asks then status = check_changes() end
  if not status and amount > 0 then status = check_credit() end
  return status
end

-- The leg at hand has arrived, whatever becomes of it. Returns what the lane gained.
local function advance(lane)
  if lane[3][1] then
    local refused = {}
    for _, seq in ipairs(lane[3]) do
      if seq > extra.floor then refused[#refused + 1] = seq end
    end
    lane[3] = refused
  end
  lane[1] = extra.seq
  if extra.at > lane[2] then lane[2] = extra.at end
  lanes_in[extra.lane] = true
  return amount > 0 and carry(lane, currency, amount) or 0
end

-- The leg at hand is one of whose money its sender must not be told that it is settled.
local function withhold(lane)
  if not lane[3][1] then lane[3] = {} end   -- it may be the empty one that all share
  lane[3][#lane[3] + 1] = extra.seq
end

local function accept(lane)
  local gained = advance(lane)
  answer_count = answer_count + 1
  answers[answer_count] = Status.OK
  if pair_after then set_pair() end
  if first == 0 then
    change_rooms(extra.joined, extra.leg == LEG_JOIN)
  else
    push(first, digits_now .. body)
  end
  if amount > 0 then
    dirty[to] = true
    local give = waits and hold or change
    if give(accounts[to], amount) ~= gained then unbalanced() end
  end
  if waits then withhold(lane) end
  if asks then change_fields() end
end

-- The return leg of the leg at hand, as server/ledger/legs.py packs one.
local function return_leg(code)
  local money = amount > 0 and currency or ''
  return '\153' .. pack(LEG_RETURN, extra.who, box, extra.id, amount, money) .. '\196\0'
    .. pack('', code)
end

-- Refuses the leg: what came with it goes back in the same step.
local function send_back(lane, code)
  read_rest()
  local back = open_lane(extra.back, extra.outbox)
  if not back then
    return answer(Status.CORRUPT)
  end
  local before, gained = answer_count, advance(lane)
  withhold(lane)
  send_leg(extra.back, extra.outbox, return_leg(code))
  if amount > 0 and carry(back, currency, amount) ~= gained then unbalanced() end
  answer_instead(before, Status.RETURNED, digits(code))
end

-- `$suspense`, if it can take the money; it comes into being when it is first needed.
function suspense_account()
  local i = extra.suspense
  local account
  if values[i] then
    account = account_of(i)
  elseif call('EXISTS', keys[scalars_from + i]) == 0 then
    account = new_account()
  end
  if not account or account[2] >= MAX or not length_of(extra.suspense_box) then return nil end
  local at = place_of(account, currency)
  if not at or amount <= MAX - account[at + 1] - account[at + 2] then
    return account
  end
end

-- A return that cannot go home. Its money goes to `$suspense`, and the entry to whoever can be told.
local function suspend(lane)
  read_rest()
  local account, i = suspense_account(), extra.suspense
  if not account then
    return answer(Status.CORRUPT)
  end
  local before, entry, seq = answer_count, digits_now .. extra.suspended
  local gained = advance(lane)
  accounts[i], values[i], dirty[i] = account, true, true
  push(extra.suspense_box, entry)
  if values[to] and length_of(first) then seq = push(first, entry) end
  if change(account, amount) ~= gained then unbalanced() end
  answer_instead(before, Status.SUSPENSE, seq and digits(seq))
end

local function arrive()
  local lane = lane_of(extra.lane, parse_lane_in)
  if not lane or amount > MAX or amount > 0 and not is_currency(currency) then
    return answer(Status.CORRUPT)
  elseif extra.seq <= lane[1] then
    if extra.at > lane[2] then return answer(Status.LANE_FORKED, digits(lane[1])) end
    return answer(Status.DUPLICATE, was_refused(lane, extra.seq) and '1' or '0')
  elseif extra.seq > lane[1] + 1 or extra.seq > extra.floor + WINDOW then
    return answer(Status.LANE_GAP, digits(lane[1]))
  elseif extra.behind > lane[2] then   -- behind a leg that never came: what has its number did
    return answer(Status.LANE_FORKED, digits(lane[1]))
  end
  local code = rejection()
  if not code then
    accept(lane)
  elseif extra.leg == LEG_RETURN and amount > 0 then
    suspend(lane)
  elseif extra.leg < LEG_JOIN then
    send_back(lane, code)
  else   -- words that cannot be told of, a set that is none: the lane goes on
    advance(lane)
    answer(Status.SUSPENSE)
  end
end

-- The time of leg `seq` of the lane, as its outbox has it. One of this call is not there yet.
local function time_of(lane, outbox, seq)
  local leg = call('LINDEX', keys[lists_from + outbox], seq - lane[3] + (trims[outbox] or 0))
  if not leg then
    return now
  end
  return #leg >= 6 and decode('>I6', leg) or -1
end

-- The entries that tell payers of it. A box that is none keeps nobody else's from its place.
local function append_settled()
  local at, row, list, length = 1, extra.rest
  for _ = 1, extra.count do
    list, length, row = decode('>HI4', rows, row)
    if lengths[list] or length_of(list) then
      push(list, digits_now .. sub(body, at, at + length - 1))
    else
      answer_count = answer_count + 1
      answers[answer_count] = 0
    end
    at = at + length
  end
end

-- Legs have arrived. The outbox keeps some of them, for an end that loses its last moments.
local function settle()
  local lane, outbox = lane_of(extra.lane, parse_lane_out), extra.outbox
  if not lane or length_of(outbox) ~= lane[1] - lane[3] + 1 then
    return answer(Status.CORRUPT)
  elseif extra.after ~= lane[2] or extra.done < lane[2] or extra.done > lane[1] then
    return answer(Status.LANE_MOVED, digits(lane[2]))
  elseif extra.done > lane[2] and time_of(lane, outbox, extra.done) ~= extra.at then
    return answer(Status.LANE_FORKED, digits(lane[2]))   -- what arrived is not what stands here
  end
  local dropped = math.max(0, extra.done - extra.keep - lane[3] + 1)
  lane[2], lane[3] = extra.done, lane[3] + dropped
  lanes_out[extra.lane] = true
  if dropped > 0 then
    trims[outbox] = (trims[outbox] or 0) + dropped
    lengths[outbox] = lengths[outbox] - dropped
  end
  answer_count = answer_count + 1
  answers[answer_count] = Status.OK
  append_settled()
end

function apply_lane_post()
  if kind == ARRIVE then arrive() else settle() end
end

end
