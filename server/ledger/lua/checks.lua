-- The checks of the post at hand, in order of precedence; a status and perhaps a detail, or nil.

local check_closed, check_rights, check_suspended
local total_of, check_boxes, refusal, check_away
do

local function check_duplicate()
  local stored = marks[mark]
  if stored == nil and marked then stored = mark_at(mark) end
  if stored then
    if not parse_mark(stored) then
      return Status.CORRUPT
    end
    return sub(stored, 1, 16) == digest and Status.DUPLICATE or Status.ID_REUSED, stored
  end
  return flags % 2 == 1 and Status.ID_TOO_OLD or nil
end

-- For a post that makes an account: it must be absent, and not because it is damaged.
local function taken(status)
  if not status then return Status.NAME_TAKEN end
  return status == Status.CORRUPT and Status.CORRUPT or nil
end

local to_flags   -- of the recipient's record, whether or not it is sound; 0 for who may have any

-- Erased accounts take part in nothing. Markers are for who reads, too, so they pass.
function check_closed()
  to_flags = 0
  if to ~= 0 and mode < MARKER and values[to] then
    local account = accounts[to] or sender ~= 0 and account_of(to)
    to_flags = account and account[1] or byte(values[to]) or 0
    if to_flags >= CLOSED and is_closed(to_flags) then return Status.ACCOUNT_CLOSED end
  end
  if sender ~= 0 then
    local payer = accounts[sender] or account_of(sender)
    if payer and payer[1] >= CLOSED and is_closed(payer[1]) then return Status.ACCOUNT_CLOSED end
  end
end

-- Whether neither payer nor payee, who are both there, has any flag.
local function have_no_flags()
  local payer, payee = account_of(sender), account_of(to)
  return payer and payee and payer[1] == 0 and payee[1] == 0
end

local function check_parties()
  local status
  if sender ~= 0 and not values[sender] then
    return absent(sender, Status.UNKNOWN_ACCOUNT)
  end
  if to ~= 0 and (kind == REGISTER or not values[to]) then
    status = absent(to, Status.UNKNOWN_ACCOUNT)
    if kind == REGISTER then status = taken(status) end
    if status then return status end
  end
  if room ~= 0 and (kind == CREATE or not values[room]) then
    status = absent(room, Status.UNKNOWN_ROOM)
    if kind == CREATE then status = taken(status) end
    if status then return status end
  end
  if sender == 0 and (to == 0 or kind == ENTRY and not accounts[to] and byte(values[to]) == 0) then
    to_flags = 0   -- as nearly always
    return nil
  elseif sender ~= 0 and to ~= 0 and kind == ENTRY and have_no_flags() then
    to_flags = 0
  else
    status = check_closed()
  end
  return status or sender ~= 0 and sender == to and Status.SAME_ACCOUNT or nil
end

-- Why a member with this role may not write, who is no plain one.
local function check_voice(role)
  local _, _, word, ends = find(role, '^(%l+) ?(%d*)$')
  if word == 'reader' then return Status.READ_ONLY end
  if word and ends ~= '' and number(ends) > now then return Status.MUTED, ends end
end

function check_rights()
  local role = field_of(members, who)
  if role == nil then
    return Status.CORRUPT
  end
  if kind == JOIN or kind == CREATE then
    return role and Status.ALREADY_A_MEMBER or nil
  end
  if not role then
    return Status.NOT_A_MEMBER
  end
  if role ~= 'member' and kind ~= LEAVE and mode < MARKER then return check_voice(role) end
end

-- What an account must be before it gets or loses a flag.
local function check_flag()
  local account, flag = account_of(to), extra.flag
  if not account or flag == ISSUER or is_issuer(account) then
    return Status.CORRUPT
  end
  if flag ~= CLOSED or extra.on == 0 then return nil end
  for at = 3, #account, 3 do
    if account[at + 1] ~= 0 or account[at + 2] ~= 0 then return Status.NOT_EMPTY end
  end
end

local function check_limits()
  if kind == FLAG then return check_flag() end
  if kind ~= JOIN and kind ~= CREATE and kind ~= LEAVE then return nil end
  if extra.joined == 0 then return nil end   -- elsewhere; see the hint
  local rooms = size_of('SCARD', extra.joined)
  if not rooms then
    return Status.CORRUPT
  end
  if kind ~= LEAVE and rooms >= extra.most then
    return Status.LIMIT_EXCEEDED, digits(extra.most)
  end
end

-- Why these two cannot pay each other, one of whom has flags; the payee may be elsewhere.
local function check_flags(payer, payee)
  if payer[1] >= SUSPENDED or payee and payee[1] >= SUSPENDED then return Status.SUSPENDED end
  if is_frozen(payer) then return Status.ACCOUNT_FROZEN end
  if payee and is_frozen(payee) then return Status.PARTY_FROZEN end
end

-- Nothing is written to somebody who is locked out. One's own flags the hubs know.
function check_suspended()
  return to_flags >= SUSPENDED and FLAGS[to_flags] and kind ~= FLAG and Status.SUSPENDED or nil
end

-- The money in circulation by scalar i; nil if what is stored cannot be that.
function total_of(i)
  return totals[i] or integer(values[i] or '0')
end

local function check_circulation(available)
  if available - amount < -MAX then return Status.BALANCE_OVERFLOW end
  if total == 0 or absent(total) == Status.CORRUPT then return Status.CORRUPT end
  local so_far = total_of(total)
  if not so_far or so_far < 0 or so_far + amount > MAX then return Status.CORRUPT end
end

local function check_money()
  local payer = accounts[sender] or account_of(sender)
  local payee = kind == REGISTER and new_account() or accounts[to] or account_of(to)
  if not payer or not payee or payer[2] >= MAX or payee[2] >= MAX then return Status.CORRUPT end
  if payer[1] ~= 0 or payee[1] ~= 0 then
    local status = check_flags(payer, payee)
    if status then return status end
  end
  local code, sum = currency, amount
  if not (codes[code] or is_currency(code)) then return Status.CURRENCY_UNKNOWN end
  if sum < 1 or sum > MAX then return Status.CORRUPT end
  local ours, theirs = place_of(payer, code), place_of(payee, code)
  if theirs and sum > MAX - payee[theirs + 1] - payee[theirs + 2] then
    return Status.BALANCE_OVERFLOW
  end
  local available = ours and payer[ours + 1] or 0
  if payer[1] ~= 0 and is_issuer(payer) then
    return check_circulation(available)
  elseif available < sum then
    return Status.INSUFFICIENT_FUNDS, digits(available)
  end
end

-- The payer's side alone: the payee is elsewhere.
local function check_debit()
  local payer = accounts[sender] or account_of(sender)
  if not payer or payer[2] >= MAX or is_issuer(payer) then return Status.CORRUPT end
  if payer[1] ~= 0 then
    local status = check_flags(payer)
    if status then return status end
  end
  if not is_currency(currency) then return Status.CURRENCY_UNKNOWN end
  if amount < 1 or amount > MAX then return Status.CORRUPT end
  local ours = place_of(payer, currency)
  local available = ours and payer[ours + 1] or 0
  if available < amount then return Status.INSUFFICIENT_FUNDS, digits(available) end
end

function check_boxes()
  local there = (first == 0 or lengths[first] or length_of(first))
    and (second == 0 or lengths[second] or length_of(second))
    and (third == 0 or lengths[third] or length_of(third))
  return not there and Status.CORRUPT or nil
end

-- What only some kinds touch.
local function check_kind()
  if kind == REGISTER then
    local tokens, secret = keys[others_from + extra.tokens], keys[scalars_from + extra.secret]
    return (values[extra.secret] or call('EXISTS', tokens, secret) > 0) and Status.CORRUPT or nil
  end
end

-- Why the post is refused: a status and perhaps a detail; nil if it is not.
function refusal()
  local status, detail
  if marked or flags ~= 0 or marks[mark] then
    status, detail = check_duplicate()
    if status then return status, detail end
  end
  status = check_parties()
  if not status and room ~= 0 then status, detail = check_rights() end
  if not status and asks then status, detail = check_conditions() end
  if not status and pair ~= 0 and (values[pair] ~= 'AA' or mode > AFTER) then
    status = check_pair()
  end
  if not status and kind ~= ENTRY then status, detail = check_limits() end
  if not status then
    if sender == 0 then
      if to_flags >= SUSPENDED then status = check_suspended() end
    elseif to ~= 0 then
      status, detail = check_money()
    else
      status, detail = check_debit()
    end
  end
  if not status then status = check_boxes() end
  if not status and kind ~= ENTRY then status = check_kind() end
  if not status and asks then status = check_changes() end
  return status, detail
end

-- What other partitions have to say: the hint, at its place in the order of precedence; then
-- whether the lanes can take the legs.
function check_away(status, detail)
  if hint ~= 0 and not (status and status < hint) then
    return hint, hint == Status.LIMIT_EXCEEDED and kind ~= ENTRY and kind ~= ASK and digits(extra.most) or nil
  elseif status then
    return status, detail
  end
  for i = 1, legs do
    if not open_lane(leg_lanes[i], leg_outboxes[i]) then return Status.CORRUPT end
  end
end

end
