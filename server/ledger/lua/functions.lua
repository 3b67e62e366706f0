-- Double entry, enforced: what one account gained, another lost.
local function check_books(batch)
  local sums = {}
  for _, account in pairs(batch.accounts) do
    for at = 1, #account, 4 do
      local gained = account[at + 1] + account[at + 2] - account[at + 3]
      if gained ~= 0 then
        sums[account[at]] = (sums[account[at]] or 0) + gained
      end
    end
  end
  for currency, sum in pairs(sums) do
    if sum ~= 0 then
      error('teller: postings of ' .. currency .. ' do not sum to zero; nothing was written')
    end
  end
end

local function write(batch)
  local sets = batch.sets
  for _, i in ipairs(batch.dirty) do
    local n = #sets
    sets[n + 1], sets[n + 2] = batch.keys[i], format_account(batch.accounts[i])
  end
  for i, total in pairs(batch.totals) do
    local n = #sets
    sets[n + 1], sets[n + 2] = batch.keys[i], digits(total)
  end
  -- After this point nothing may fail: every type was checked, every value is a string.
  if #sets > 0 then
    call('MSET', unpack(sets))
  end
  for _, command in ipairs(batch.pushes) do
    call('RPUSH', unpack(command))
  end
  for _, command in ipairs(batch.edits) do
    call(unpack(command))
  end
end

local function milliseconds()
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function post(keys, args)
  bind()
  local batch = open_batch(keys, tonumber(args[1]), tonumber(args[2]))
  local at = milliseconds()
  local now = format('%013d', at)
  local results = {at}
  local contents, from = args[4], 1
  for i, item in ipairs(cmsgpack.unpack(args[3])) do
    local body = from + 16
    local behind = body + item[3]
    local digest, entry = sub(contents, from, body - 1), sub(contents, body, behind - 1)
    results[i + 1] = apply(batch, item, digest, entry, now)
    from = behind
  end
  check_books(batch)
  write(batch)
  return results
end

local function sweep(keys, args)
  bind()
  local before = tonumber(args[1])
  local stale = {}
  for i, mark in ipairs(call('MGET', unpack(keys))) do
    local at, money = parse_mark(mark or '')
    if at and not money and tonumber(at) < before then
      stale[#stale + 1] = keys[i]
    end
  end
  if #stale == 0 then
    return 0
  end
  return call('DEL', unpack(stale))
end

local function books(keys, args)
  bind()
  local world = parse_account(call('GET', keys[1]) or '4 0')
  local sheet = {}
  for i, currency in ipairs(args) do
    local at = world and place_of(world, currency)
    local owed = at and world[at + 1] or 0
    sheet[i] = {currency, digits(owed), call('GET', keys[i + 1]) or '0'}
  end
  return sheet
end

local function read(keys, args)
  bind()
  local key, length = keys[1], call('LLEN', keys[1])
  local first, last, bytes = tonumber(args[1]), tonumber(args[2]), tonumber(args[3])
  if first < 0 then first = math.max(0, length + first) end
  if last < 0 or last >= length then last = length - 1 end
  local newest, at = {}, last
  while at >= first and bytes > 0 do
    local from = math.max(first, at - 15)
    local entries = call('LRANGE', key, from, at)
    for i = #entries, 1, -1 do
      bytes = bytes - #entries[i]
      if bytes < 0 and #newest > 0 then break end
      newest[#newest + 1] = entries[i]
    end
    at = from - 1
  end
  local ascending = {}
  for i = #newest, 1, -1 do
    ascending[#ascending + 1] = newest[i]
  end
  return {length, last + 1, ascending}
end

redis.register_function('teller_post', post)
redis.register_function{function_name = 'teller_sweep', callback = sweep, flags = {'allow-oom'}}
redis.register_function{function_name = 'teller_read', callback = read, flags = {'no-writes'}}
redis.register_function{function_name = 'teller_books', callback = books, flags = {'no-writes'}}
redis.register_function{
  function_name = 'teller_version',
  callback = function() return {CONTRACT, VERSION} end,
  flags = {'no-writes'},
}
