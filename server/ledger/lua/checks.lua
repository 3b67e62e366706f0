-- The checks of one post, in order of precedence; a status and perhaps a detail, or nil for none.

local function check_duplicate(batch, post)
  local mark, planted = batch:scalar(post[2])
  if planted then
    return CORRUPT
  end
  if mark then
    if not parse_mark(mark) then
      return CORRUPT
    end
    return string.sub(mark, 1, 16) == post.digest and DUPLICATE or ID_REUSED, mark
  end
  if post[4] == 1 then
    return ID_TOO_OLD
  end
end

-- For a post that makes an account: it must be absent, and not because it is damaged.
local function taken(status)
  if not status then return NAME_TAKEN end
  return status == CORRUPT and CORRUPT or nil
end

local function check_parties(batch, post)
  local kind, status = post[1], nil
  if post[5] > 0 then
    status = batch:absent(post[5], UNKNOWN_ACCOUNT)
    if status then return status end
  end
  if post[6] > 0 then
    status = batch:absent(post[6], UNKNOWN_ACCOUNT)
    if kind == REGISTER then status = taken(status) end
    if status then return status end
  end
  if post[7] > 0 then
    status = batch:absent(post[7], UNKNOWN_ROOM)
    if kind == CREATE then status = taken(status) end
    if status then return status end
  end
  if post[10] ~= '' and post[5] == post[6] then
    return SAME_ACCOUNT
  end
end

local function check_rights(batch, post)
  if post[8] == 0 then
    return nil
  end
  local role = batch:role(post[8], post[9])
  if role == nil then
    return CORRUPT
  end
  if post[1] == JOIN or post[1] == CREATE then
    return role and ALREADY_A_MEMBER or nil
  end
  return not role and NOT_A_MEMBER or nil
end

local function check_limits(batch, post)
  if post[1] ~= JOIN and post[1] ~= CREATE and post[1] ~= LEAVE then
    return nil
  end
  local rooms = batch:rooms_joined(post[15][1])
  if not rooms then
    return CORRUPT
  end
  if post[1] ~= LEAVE and rooms >= post[15][3] then
    return LIMIT_EXCEEDED, digits(post[15][3])
  end
end

local function check_circulation(batch, post, available, amount)
  if available - amount < -MAX then return BALANCE_OVERFLOW end
  if post[12] == 0 then return CORRUPT end
  local text, planted = batch:scalar(post[12])
  local total = integer(text or '0')
  if planted or not total or total < 0 or total + amount > MAX then return CORRUPT end
end

local function check_money(batch, post)
  local kind = post[1]
  if kind == FREEZE or kind == THAW then
    return not batch:account(post[6]) and CORRUPT or nil
  end
  if post[10] == '' then
    return nil
  end
  local payer = batch:account(post[5])
  local payee = kind == REGISTER and new_account() or batch:account(post[6])
  if not payer or not payee then return CORRUPT end
  if payer.version >= MAX or payee.version >= MAX then return CORRUPT end
  if is_frozen(payer) then return ACCOUNT_FROZEN end
  if is_frozen(payee) then return PARTY_FROZEN end
  local currency, amount = post[11], integer(post[10])
  if not string.find(currency, '^%u%u%u$') then return CURRENCY_UNKNOWN end
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
  for _, box in ipairs(post[14]) do
    if not batch:length(box) then
      return CORRUPT
    end
  end
  if post[1] == REGISTER then
    local extra = post[15]
    local kind = redis.call('TYPE', batch.keys[batch.others_from + extra[3]])['ok']
    if batch:scalar(extra[1]) or batch.planted[extra[1]] or kind ~= 'none' then
      return CORRUPT
    end
  end
end

-- Why the post is refused: a status and perhaps a detail; nil if it is not.
local function refusal(batch, post)
  local status, detail = check_duplicate(batch, post)
  if not status then status, detail = check_parties(batch, post) end
  if not status then status, detail = check_rights(batch, post) end
  if not status then status, detail = check_limits(batch, post) end
  if not status then status, detail = check_money(batch, post) end
  if not status then status, detail = check_boxes(batch, post) end
  return status, detail
end
