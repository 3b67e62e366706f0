-- The checks of the post at hand, in order of precedence; a status and perhaps a detail, or nil.

local function check_duplicate()
  local stored = mark_at(mark)
  if stored then
    if not parse_mark(stored) then
      return CORRUPT
    end
    return sub(stored, 1, 16) == digest and DUPLICATE or ID_REUSED, stored
  end
  return old ~= 0 and ID_TOO_OLD or nil
end

-- For a post that makes an account: it must be absent, and not because it is damaged.
local function taken(status)
  if not status then return NAME_TAKEN end
  return status == CORRUPT and CORRUPT or nil
end

local function check_parties()
  local status
  if sender ~= 0 and not values[sender] then
    return absent(sender, UNKNOWN_ACCOUNT)
  end
  if to ~= 0 and (kind == REGISTER or not values[to]) then
    status = absent(to, UNKNOWN_ACCOUNT)
    if kind == REGISTER then status = taken(status) end
    if status then return status end
  end
  if room ~= 0 and (kind == CREATE or not values[room]) then
    status = absent(room, UNKNOWN_ROOM)
    if kind == CREATE then status = taken(status) end
    if status then return status end
  end
  return sender ~= 0 and sender == to and SAME_ACCOUNT or nil
end

local function check_rights()
  local role = role_of(members, who)
  if role == nil then
    return CORRUPT
  end
  if kind == JOIN or kind == CREATE then
    return role and ALREADY_A_MEMBER or nil
  end
  return not role and NOT_A_MEMBER or nil
end

local function check_limits()
  if kind ~= JOIN and kind ~= CREATE and kind ~= LEAVE then return nil end
  if extra.joined == 0 then return nil end   -- elsewhere; see the hint
  local rooms = rooms_joined(extra.joined)
  if not rooms then
    return CORRUPT
  end
  if kind ~= LEAVE and rooms >= extra.most then
    return LIMIT_EXCEEDED, digits(extra.most)
  end
end

-- The money in circulation by scalar i; nil if what is stored cannot be that.
local function total_of(i)
  return totals[i] or integer(values[i] or '0')
end

local function check_circulation(available)
  if available - amount < -MAX then return BALANCE_OVERFLOW end
  if total == 0 or absent(total) == CORRUPT then return CORRUPT end
  local so_far = total_of(total)
  if not so_far or so_far < 0 or so_far + amount > MAX then return CORRUPT end
end

local function check_money()
  local payer = accounts[sender] or account_of(sender)
  local payee = kind == REGISTER and new_account() or accounts[to] or account_of(to)
  if not payer or not payee or payer[2] >= MAX or payee[2] >= MAX then return CORRUPT end
  if payer[1] ~= 0 and is_frozen(payer) then return ACCOUNT_FROZEN end
  if payee[1] ~= 0 and is_frozen(payee) then return PARTY_FROZEN end
  local code, sum = currency, amount
  if not (codes[code] or is_currency(code)) then return CURRENCY_UNKNOWN end
  if sum < 1 or sum > MAX then return CORRUPT end
  local ours, theirs = place_of(payer, code), place_of(payee, code)
  if theirs and sum > MAX - payee[theirs + 1] - payee[theirs + 2] then
    return BALANCE_OVERFLOW
  end
  local available = ours and payer[ours + 1] or 0
  if payer[1] >= ISSUER then
    return check_circulation(available)
  elseif available < sum then
    return INSUFFICIENT_FUNDS, digits(available)
  end
end

-- The payer's side alone: the payee is elsewhere.
local function check_debit()
  local payer = accounts[sender] or account_of(sender)
  if not payer or payer[2] >= MAX or payer[1] >= ISSUER then return CORRUPT end
  if is_frozen(payer) then return ACCOUNT_FROZEN end
  if not is_currency(currency) then return CURRENCY_UNKNOWN end
  if amount < 1 or amount > MAX then return CORRUPT end
  local ours = place_of(payer, currency)
  local available = ours and payer[ours + 1] or 0
  if available < amount then return INSUFFICIENT_FUNDS, digits(available) end
end

local function check_boxes()
  local there = (first == 0 or lengths[first] or length_of(first))
    and (second == 0 or lengths[second] or length_of(second))
    and (third == 0 or lengths[third] or length_of(third))
  return not there and CORRUPT or nil
end

-- What only some kinds touch.
local function check_kind()
  if kind == FREEZE or kind == THAW then
    return not account_of(to) and CORRUPT or nil
  elseif kind == REGISTER then
    local tokens, secret = keys[others_from + extra.tokens], keys[scalars_from + extra.secret]
    return (values[extra.secret] or call('EXISTS', tokens, secret) > 0) and CORRUPT or nil
  end
end

-- Why the post is refused: a status and perhaps a detail; nil if it is not.
local function refusal()
  local status, detail = check_duplicate()
  if status then return status, detail end
  status = check_parties()
  if not status and room ~= 0 then status = check_rights() end
  if not status and kind ~= ENTRY then status, detail = check_limits() end
  if not status and sender ~= 0 then
    if to ~= 0 then status, detail = check_money() else status, detail = check_debit() end
  end
  if not status then status = check_boxes() end
  if not status and kind ~= ENTRY then status = check_kind() end
  return status, detail
end

-- What other partitions have to say: the hint, at its place in the order of precedence; then
-- whether the lanes can take the legs.
local function check_away(status, detail)
  if hint ~= 0 and not (status and status < hint) then
    return hint, hint == LIMIT_EXCEEDED and digits(extra.most) or nil
  elseif status then
    return status, detail
  end
  for i = 1, legs do
    if not open_lane(leg_lanes[i], leg_outboxes[i]) then return CORRUPT end
  end
end
