-- The checks of one post, in order of precedence; a status and perhaps a detail, or nil for none.

local function check_duplicate(batch, post, digest)
  local mark = batch.values[post[2]]
  if mark then
    if not parse_mark(mark) then
      return CORRUPT
    end
    return sub(mark, 1, 16) == digest and DUPLICATE or ID_REUSED, mark
  end
  if batch.planted[post[2]] then
    return CORRUPT
  end
  return post[4] and ID_TOO_OLD or nil
end

-- For a post that makes an account: it must be absent, and not because it is damaged.
local function taken(status)
  if not status then return NAME_TAKEN end
  return status == CORRUPT and CORRUPT or nil
end

local function check_parties(batch, post)
  local kind, to, sender, room = post[1], post[7], post[8], post[11]
  local status
  if sender then
    status = absent(batch, sender, UNKNOWN_ACCOUNT)
    if status then return status end
  end
  if to then
    status = absent(batch, to, UNKNOWN_ACCOUNT)
    if kind == REGISTER then status = taken(status) end
    if status then return status end
  end
  if room then
    status = absent(batch, room, UNKNOWN_ROOM)
    if kind == CREATE then status = taken(status) end
    if status then return status end
  end
  if post[9] and sender == to then
    return SAME_ACCOUNT
  end
end

local function check_rights(batch, post)
  local kind, role = post[1], role_of(batch, post[12], post[13])
  if role == nil then
    return CORRUPT
  end
  if kind == JOIN or kind == CREATE then
    return role and ALREADY_A_MEMBER or nil
  end
  return not role and NOT_A_MEMBER or nil
end

local function check_limits(batch, post)
  local extra = post[15]
  local rooms = rooms_joined(batch, extra[1])
  if not rooms then
    return CORRUPT
  end
  if post[1] ~= LEAVE and rooms >= extra[3] then
    return LIMIT_EXCEEDED, digits(extra[3])
  end
end

-- The money in circulation by scalar i; nil if what is stored cannot be that.
local function total_of(batch, i)
  local total = batch.totals[i] or integer(batch.values[i] or '0')
  if batch.planted[i] or not total or total < 0 then
    return nil
  end
  return total
end

local function check_circulation(batch, post, available, amount)
  if available - amount < -MAX then return BALANCE_OVERFLOW end
  local total = post[14] and total_of(batch, post[14])
  if not total or total + amount > MAX then return CORRUPT end
end

local function check_money(batch, post)
  local payer = account_of(batch, post[8])
  local payee = post[1] == REGISTER and new_account() or account_of(batch, post[7])
  if not payer or not payee then return CORRUPT end
  if payer.version >= MAX or payee.version >= MAX then return CORRUPT end
  if is_frozen(payer) then return ACCOUNT_FROZEN end
  if is_frozen(payee) then return PARTY_FROZEN end
  local currency, amount = post[10], integer(post[9])
  if not find(currency, '^%u%u%u$') then return CURRENCY_UNKNOWN end
  if not amount or amount < 1 then return CORRUPT end
  local theirs, ours = place_of(payee, currency), place_of(payer, currency)
  if theirs and amount > MAX - payee[theirs + 1] - payee[theirs + 2] then
    return BALANCE_OVERFLOW
  end
  local available = ours and payer[ours + 1] or 0
  if is_issuer(payer) then
    return check_circulation(batch, post, available, amount)
  elseif available < amount then
    return INSUFFICIENT_FUNDS, digits(available)
  end
end

local function check_boxes(batch, post)
  for _, box in ipairs(post[6]) do
    if not length_of(batch, box) then
      return CORRUPT
    end
  end
end

-- What only some kinds touch.
local function check_kind(batch, post)
  local kind = post[1]
  if kind == FREEZE or kind == THAW then
    return not account_of(batch, post[7]) and CORRUPT or nil
  elseif kind == REGISTER then
    local secret, tokens = post[15][1], post[15][3]
    local there = call('EXISTS', batch.keys[batch.others_from + tokens]) == 1
    return (there or batch.values[secret] or batch.planted[secret]) and CORRUPT or nil
  end
end

-- Why the post is refused: a status and perhaps a detail; nil if it is not.
local function refusal(batch, post, digest)
  local status, detail = check_duplicate(batch, post, digest)
  if not status then status = check_parties(batch, post) end
  if not status and post[12] then status = check_rights(batch, post) end
  local kind = post[1]
  if not status and (kind == JOIN or kind == CREATE or kind == LEAVE) then
    status, detail = check_limits(batch, post)
  end
  if not status and post[9] then status, detail = check_money(batch, post) end
  if not status then status = check_boxes(batch, post) end
  if not status and kind ~= ENTRY then status = check_kind(batch, post) end
  return status, detail
end
