-- What a courier posts: legs at the end of their lane, and settlements at its source. These are
-- nobody's frames. They have no marks; the numbers of the lane tell what came before.

local function answer(status, detail)
  answers[answer_count + 1], answers[answer_count + 2] = status, detail or false
  answer_count = answer_count + 2
end

-- Answers `status` in place of everything behind the first `before` answers.
local function answer_instead(before, status, detail)
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
  if not payee or payee[2] >= MAX then return CORRUPT end
  if extra.leg ~= LEG_RETURN and is_frozen(payee) then return PARTY_FROZEN end
  local at = place_of(payee, currency)
  if at and amount > MAX - payee[at + 1] - payee[at + 2] then return BALANCE_OVERFLOW end
end

-- Why the leg at hand cannot be done; nil if it can.
local function rejection()
  local leg = extra.leg
  if leg == LEG_JOIN or leg == LEG_LEAVE then
    read_rest()
    return not rooms_joined(extra.joined) and CORRUPT or nil
  elseif room ~= 0 then
    local status = not values[room] and absent(room, UNKNOWN_ROOM) or check_rights()
    return status or not length_of(first) and CORRUPT or nil
  elseif not values[to] then
    return absent(to, UNKNOWN_ACCOUNT)
  elseif not (lengths[first] or length_of(first)) then
    return CORRUPT
  end
  return amount > 0 and check_credit() or nil
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

local function accept(lane)
  local gained = advance(lane)
  answer_count = answer_count + 1
  answers[answer_count] = OK
  if first == 0 then
    return change_rooms(extra.joined, extra.leg == LEG_JOIN)
  end
  push(first, digits_now .. body)
  if amount > 0 then
    dirty[to] = true
    if change(accounts[to], amount) ~= gained then unbalanced() end
  end
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
    return answer(CORRUPT)
  end
  local before, gained = answer_count, advance(lane)
  if not lane[3][1] then lane[3] = {} end   -- it may be the empty one that all share
  lane[3][#lane[3] + 1] = extra.seq
  send_leg(extra.back, extra.outbox, return_leg(code))
  if amount > 0 and carry(back, currency, amount) ~= gained then unbalanced() end
  answer_instead(before, RETURNED, digits(code))
end

-- `$suspense`, if it can take the money; it comes into being when it is first needed.
local function suspense_account()
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
    return answer(CORRUPT)
  end
  local before, entry, seq = answer_count, digits_now .. extra.suspended
  local gained = advance(lane)
  accounts[i], values[i], dirty[i] = account, true, true
  push(extra.suspense_box, entry)
  if values[to] and length_of(first) then seq = push(first, entry) end
  if change(account, amount) ~= gained then unbalanced() end
  answer_instead(before, SUSPENDED, seq and digits(seq))
end

local function arrive()
  local lane = lane_of(extra.lane, parse_lane_in)
  if not lane or amount > MAX or amount > 0 and not is_currency(currency) then
    return answer(CORRUPT)
  elseif extra.seq <= lane[1] then
    if extra.at > lane[2] then return answer(LANE_FORKED, digits(lane[1])) end
    return answer(DUPLICATE, was_refused(lane, extra.seq) and '1' or '0')
  elseif extra.seq > lane[1] + 1 or extra.seq > extra.floor + WINDOW then
    return answer(LANE_GAP, digits(lane[1]))
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
    answer(SUSPENDED)
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
    return answer(CORRUPT)
  elseif extra.after ~= lane[2] or extra.done < lane[2] or extra.done > lane[1] then
    return answer(LANE_MOVED, digits(lane[2]))
  elseif extra.done > lane[2] and time_of(lane, outbox, extra.done) ~= extra.at then
    return answer(LANE_FORKED, digits(lane[2]))   -- what arrived is not what stands here
  end
  local dropped = math.max(0, extra.done - extra.keep - lane[3] + 1)
  lane[2], lane[3] = extra.done, lane[3] + dropped
  lanes_out[extra.lane] = true
  if dropped > 0 then
    trims[outbox] = (trims[outbox] or 0) + dropped
    lengths[outbox] = lengths[outbox] - dropped
  end
  answer_count = answer_count + 1
  answers[answer_count] = OK
  append_settled()
end

local function apply_lane_post()
  if kind == ARRIVE then arrive() else settle() end
end
