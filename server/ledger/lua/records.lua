local function digits(n)
  return format('%d', n)
end

-- A decimal integer from -MAX to MAX as we write it, else nil. tonumber alone would take 0x1, 1e3,
-- 007 and blanks.
local function integer(text)
  if text ~= '0' and not find(text, '^%-?[1-9]%d*$') then
    return nil
  end
  local n = tonumber(text)
  if n > MAX or n < -MAX then
    return nil
  end
  return n
end

-- An account is a table {flags, version} whose array part holds, for each currency, its code, what
-- is available, what is held, and both together as they were read.

local function add_currency(account, currency, available, held)
  local at = #account
  account[at + 1], account[at + 2], account[at + 3] = currency, available, held
  account[at + 4] = available + held
  return at + 1
end

-- Where the account keeps `currency`, nil if it has none.
local function place_of(account, currency)
  for at = 1, #account, 4 do
    if account[at] == currency then
      return at
    end
  end
end

local function new_account()
  return {flags = 0, version = 0}
end

-- The account of any record, else nil.
local function parse_any(text)
  local flags, version, rest = match(text, '^([0145]) (%d+)(.*)$')
  local account = {flags = tonumber(flags), version = flags and integer(version)}
  if not account.version then
    return nil
  end
  local length = 0
  for currency, available, held in gmatch(rest, ' (%u%u%u) (%-?%d+) (%-?%d+)') do
    local a, h = integer(available), integer(held)
    if not a or not h or h < 0 or a + h > MAX or place_of(account, currency) then
      return nil
    end
    if a < 0 and account.flags < ISSUER then
      return nil
    end
    add_currency(account, currency, a, h)
    length = length + 6 + #available + #held
  end
  return length == #rest and account or nil
end

-- The account of a record, else nil. Most are of one currency with nothing held and small enough
-- to be exact at sight; reading those alone costs a third.
local function parse_account(text)
  local version, currency, available = match(text, '^0 ([1-9]%d*) (%u%u%u) ([1-9]%d*) 0$')
  if not version or #version > 15 or #available > 15 then
    return parse_any(text)
  end
  local a = tonumber(available)
  return {flags = 0, version = tonumber(version), currency, a, 0, a}
end

local function format_account(account)
  if #account == 4 then
    return format('%d %d %s %d %d',
      account.flags, account.version, account[1], account[2], account[3])
  end
  local parts = {digits(account.flags), digits(account.version)}
  for at = 1, #account, 4 do
    parts[#parts + 1] = account[at]
    parts[#parts + 1] = digits(account[at + 1])
    parts[#parts + 1] = digits(account[at + 2])
  end
  return table.concat(parts, ' ')
end

local function is_issuer(account)
  return account.flags >= ISSUER
end

local function is_frozen(account)
  return account.flags % 2 == FROZEN
end

-- The time of a mark and whether it is one of money; nil if it is damaged.
local function parse_mark(mark)
  local at, balance = match(sub(mark, 17), '^%d+ (%d+) [^ ]*(.*)$')
  if at and balance ~= '' and not find(balance, '^ %-?%d+ %d+ %d+$') then
    return nil
  end
  return at, balance ~= ''
end
