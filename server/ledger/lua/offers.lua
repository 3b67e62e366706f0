-- What becomes of a payment that waits: its payee gets it, or its payer has it back. These are nobody's
-- frames and have no marks: what waits is a field of the payee's offers, and it is gone in the same step.

local apply_offer
do

local gone, gone_at   -- offers that ended in this call, and its answers, which tell the call

-- Why the payee's half does not let this happen now; nil if it does.
local function undecided(since)
  local _, _, side = sides()
  local half = values[pair] and sub(values[pair], side, side)
  if kind == TAKE then return half ~= 'A' and Status.NO_REQUEST or nil end
  if half == 'B' or half == 'D' then return nil end
  local expired = half ~= 'A' and extra.age > 0 and now - since >= extra.age
  return not expired and Status.NO_REQUEST or nil
end

-- Why the offer at hand stays as it is; sets the amount and the currency.
local function check_offer(key, field)
  local stored = pcall('HGET', key, field)
  if is_error(stored) then return Status.CORRUPT end
  if gone_at ~= answers then gone, gone_at = {}, answers end
  if not stored or gone[key .. field] then return Status.DUPLICATE end
  local sum, code, since = string.match(stored, '^(%d+) (%u%u%u) (%d+)')
  if stored ~= extra.value or not sum then return Status.CORRUPT end
  amount, currency = integer(sum), code
  if not amount or amount < 1 or not values[to] then return Status.CORRUPT end
  local payee = account_of(to)
  local at = payee and place_of(payee, currency)
  if not at or payee[2] >= MAX or payee[at + 2] < amount then return Status.CORRUPT end
  if kind == TAKE and payee[1] ~= 0 then   -- what was never theirs goes back all the same
    return Status.ACCOUNT_FROZEN
  end
  for i = 1, away and legs or 0 do
    if not open_lane(leg_lanes[i], leg_outboxes[i]) then return Status.CORRUPT end
  end
  return check_boxes() or undecided(number(since))
end

-- The payer, if they can have their money back.
local function payer_account()
  local account = values[sender] and account_of(sender)
  if not account or account[2] >= MAX or is_closed(account[1]) then return nil end
  local at = place_of(account, currency)
  if not at or amount <= MAX - account[at + 1] - account[at + 2] then return account end
end

-- The money goes back to a payer in this partition. What they cannot have goes to `$suspense`, and
-- their entry says so.
local function give_back_here()
  local payer, before = payer_account(), answer_count
  if payer then
    local entry = digits_now .. body
    push(first, entry)
    push(second, entry)
    dirty[sender] = true
    if change(payer, amount) + hold(accounts[to], -amount) ~= 0 then unbalanced() end
    return
  end
  local entry, i = digits_now .. extra.suspended, extra.suspense
  local account = suspense_account()
  accounts[i], values[i], dirty[i] = account, true, true
  push(extra.suspense_box, entry)
  push(first, digits_now .. body)
  local seq = push(second, entry)
  if change(account, amount) + hold(accounts[to], -amount) ~= 0 then unbalanced() end
  answer_instead(before - 1, Status.SUSPENSE, digits(seq))
end

-- The payee has it, or it leaves for where it came from.
local function move_offer()
  local gained = 0
  push(first, digits_now .. body)
  if second ~= 0 then push(second, digits_now .. body) end
  for i = 1, away and legs or 0 do
    if leg_money[i] then gained = gained + carry(lanes[leg_lanes[i]], currency, amount) end
  end
  if kind == TAKE then
    gained = gained + hold(accounts[to], -amount, true)
  else
    gained = gained + hold(accounts[to], -amount)
  end
  if gained ~= 0 then unbalanced() end
  for i = 1, away and legs or 0 do
    send_leg(leg_lanes[i], leg_outboxes[i], leg_texts[i])
  end
end

function apply_offer()
  local tag, payer = sides()
  local key, field = tag .. 'u:' .. box, payer .. ':' .. extra.id
  local status = check_offer(key, field)
  local here = kind == GIVE_BACK and sender ~= 0
  if not status and here and not payer_account() and not suspense_account() then
    status = Status.CORRUPT
  end
  if status then
    return answer(status)
  end
  answer_count = answer_count + 1
  answers[answer_count] = Status.OK
  gone[key .. field] = true
  edits[#edits + 1] = {'HDEL', key, field}
  dirty[to] = true
  if here then give_back_here() else move_offer() end
end

end
