-- What an operator posts where one end of a lane has lost its last moments: this end is brought up to
-- the other one, and the money that only the other one knows is booked against a system account. The
-- source has lost debits: `$losses` owes them. The end has lost credits: `$suspense` gets them.

local apply_mend
do

-- The system account; it comes into being when it is first needed. Nil if it is damaged.
local function corrected_account(owes)
  if values[to] then
    local account = account_of(to)
    return account and is_issuer(account) == owes and account or nil
  elseif call('EXISTS', keys[scalars_from + to]) == 0 then
    local account = new_account()
    if owes then account[1] = ISSUER end
    return account
  end
end

-- Why the corrections cannot be booked; nil if they can. Each step is exact.
local function check_corrections(account, owes)
  local row, has, sum, code, length = extra.rest, {}
  if account[2] > MAX - extra.count then return Status.CORRUPT end
  for _ = 1, extra.count do
    sum, code, length, row = decode('>I8c3I4', rows, row)
    if sum > 0 then
      if sum > MAX or not is_currency(code) then return Status.CORRUPT end
      local at = place_of(account, code)
      has[code] = has[code] or at and account[at + 1] + account[at + 2] or 0
      if (owes and -has[code] or has[code]) > MAX - sum then return Status.BALANCE_OVERFLOW end
      has[code] = has[code] + (owes and -sum or sum)
    end
  end
end

-- Double entry: what came by the lane, or left by it, is what the account gained, or lost.
local function book(lane, account, owes)
  local row, from, seq, length = extra.rest, 1
  for _ = 1, extra.count do
    amount, currency, length, row = decode('>I8c3I4', rows, row)
    if amount > 0 then
      local carried = carry(lane, currency, amount)
      local gained = change(account, owes and -amount or amount)
      if gained ~= (owes and -carried or carried) then unbalanced() end
    end
    seq = push(first, digits_now .. sub(body, from, from + length - 1))
    from = from + length
  end
  return seq
end

-- What was settled goes from the outbox. What the end has not got keeps its order, and gets numbers
-- behind the last that the end has.
local function renumber(lane, outbox)
  local dropped, waiting = lane[2] - lane[3] + 1, lane[1] - lane[2]
  lane[1], lane[2], lane[3] = extra.number + waiting, extra.number, extra.number + 1
  lanes_out[extra.lane] = true
  if dropped > 0 then
    trims[outbox] = (trims[outbox] or 0) + dropped
    lengths[outbox] = lengths[outbox] - dropped
  end
end

function apply_mend()
  local owes, outbox = extra.outbox ~= 0, extra.outbox
  local lane = lane_of(extra.lane, owes and parse_lane_out or parse_lane_in)
  local account = corrected_account(owes)
  if not lane or not account or not length_of(first) or extra.count < 1 then
    return answer(Status.CORRUPT)
  elseif owes and length_of(outbox) ~= lane[1] - lane[3] + 1 then
    return answer(Status.CORRUPT)
  end
  local last = owes and lane[2] or lane[1]
  if extra.before ~= last or extra.number <= last then
    return answer(Status.LANE_MOVED, digits(last))
  elseif extra.number + (owes and lane[1] - lane[2] or 0) >= MOST_LEGS then
    return answer(Status.CORRUPT)
  end
  local status = check_corrections(account, owes)
  if status then return answer(status) end
  local before = answer_count
  accounts[to], values[to], dirty[to] = account, true, true
  local seq = book(lane, account, owes)
  if owes then
    renumber(lane, outbox)
  else
    lane[1], lanes_in[extra.lane] = extra.number, true
  end
  answer_instead(before, OK, seq)
end

end
