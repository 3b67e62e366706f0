local function digits(n)
  return string.format('%.0f', n)
end

-- A decimal integer from -MAX to MAX as we write it, else nil. tonumber alone would take 0x1, 1e3,
-- 007 and blanks.
local function integer(text)
  if text ~= '0' and not string.find(text, '^%-?[1-9]%d*$') then
    return nil
  end
  local n = tonumber(text)
  if n > MAX or n < -MAX then
    return nil
  end
  return n
end

-- An account record as a table {flags, version, list of currencies, available, held}, else nil.
local function parse_account(text)
  local flags, version, rest = string.match(text, '^([0145]) (%d+)(.*)$')
  if not flags then
    return nil
  end
  local account = {
    flags = tonumber(flags), version = integer(version),
    currencies = {}, available = {}, held = {}, before = {},
  }
  local length = 0
  for currency, available, held in string.gmatch(rest, ' (%u%u%u) (%-?%d+) (%-?%d+)') do
    local a, h = integer(available), integer(held)
    if not a or not h or h < 0 or a + h > MAX or account.before[currency] then
      return nil
    end
    if a < 0 and account.flags < ISSUER then
      return nil
    end
    account.currencies[#account.currencies + 1] = currency
    account.available[currency], account.held[currency] = a, h
    account.before[currency] = a + h
    length = length + 6 + #available + #held
  end
  if length ~= #rest or not account.version then
    return nil
  end
  return account
end

local function format_account(account)
  local parts = {digits(account.flags), digits(account.version)}
  for _, currency in ipairs(account.currencies) do
    parts[#parts + 1] = currency
    parts[#parts + 1] = digits(account.available[currency])
    parts[#parts + 1] = digits(account.held[currency])
  end
  return table.concat(parts, ' ')
end

local function is_issuer(account)
  return account.flags >= ISSUER
end

local function is_frozen(account)
  return account.flags % 2 == FROZEN
end

local function new_account()
  return {
    flags = 0, version = 0, currencies = {}, available = {}, held = {}, before = {},
  }
end

-- The time of a mark and whether it is one of money; nil if it is damaged.
local function parse_mark(mark)
  local at, balance = string.match(string.sub(mark, 17), '^%d+ (%d+) [^ ]*(.*)$')
  if at and balance ~= '' and not string.find(balance, '^ %-?%d+ %d+ %d+$') then
    return nil
  end
  return at, balance ~= ''
end
