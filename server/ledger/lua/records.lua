local function digits(n)
  return format('%d', n)
end

-- A decimal integer from -MAX to MAX as we write it, else nil. tonumber alone would take 0x1, 1e3,
-- 007 and blanks.
local function integer(text)
  if text ~= '0' and not find(text, '^%-?[1-9]%d*$') then
    return nil
  end
  local n = number(text)
  if n > MAX or n < -MAX then
    return nil
  end
  return n
end

local codes = {}   -- the currencies seen so far

local function is_currency(code)
  if not codes[code] and find(code, '^%u%u%u$') then
    codes[code] = true
  end
  return codes[code]
end

-- An account is an array {flags, version, CUR, available, held, CUR, available, held ...}, so that
-- one call decodes it and another encodes it.

local forms = {}   -- by length of the record

-- The layout of a record of so many bytes; nil if there is none.
local function form_of(bytes)
  local form = forms[bytes]
  if not form and bytes >= 8 and (bytes - 8) % 19 == 0 then
    form = '>BI7' .. string.rep('c3i8I8', (bytes - 8) / 19)
    forms[bytes] = form
  end
  return form
end

-- Where the account keeps `currency`, nil if it has none.
local function place_of(account, currency)
  if account[3] == currency then return 3 end   -- nearly always
  for at = 6, #account, 3 do
    if account[at] == currency then
      return at
    end
  end
end

local function add_currency(account, currency)
  local at = #account + 1
  account[at], account[at + 1], account[at + 2] = currency, 0, 0
  return at
end

local function new_account()
  return {0, 0}
end

local function is_frozen(account)
  return account[1] % 2 == FROZEN
end

local function is_issuer(account)
  return account[1] % 8 >= ISSUER
end

-- Flags that can be together, besides none: an issuer is neither closed nor suspended.
local FLAGS = {true, true, true, true, true, [8] = true, [9] = true, [10] = true, [11] = true}

local function is_closed(flags)
  return FLAGS[flags] and flags % 4 >= CLOSED
end

-- The account of a record, else nil. What passes 2^53 is rounded by `decode`, but never below it.
local function parse_account(text)
  local form = forms[#text] or form_of(#text)
  if not form then
    return nil
  end
  local account = {decode(form, text)}
  local flags, last = account[1], #account - 1
  account[last + 1] = nil   -- where `decode` stopped
  if account[2] > MAX or flags ~= 0 and not FLAGS[flags] then
    return nil
  end
  local least = flags ~= 0 and is_issuer(account) and -MAX or 0
  for at = 3, last, 3 do
    local currency, available, held = account[at], account[at + 1], account[at + 2]
    if available < least or held > MAX or available + held > MAX then
      return nil
    elseif not (codes[currency] or is_currency(currency)) then
      return nil
    elseif at > 3 and place_of(account, currency) ~= at then
      return nil
    end
  end
  return account
end

local function format_account(account)
  local bytes = 8 + (#account - 2) / 3 * 19
  return encode(forms[bytes] or form_of(bytes), spread(account))
end

-- A mark's time and whether it is one of money; nil if it is damaged.
local function parse_mark(mark)
  local length = #mark
  local money = find(mark, '^[\1\2\3]', 17)
  local box_at = money and 53 or 30
  if length < 30 or not money and not find(mark, '^[%z\4]', 17) then
    return nil
  end
  if not find(sub(mark, box_at), '^[@#$][a-z0-9_]+$') then
    return nil
  end
  return decode('>I6', mark, 24), money
end
