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
  if batch.changes > 0 then
    local pairs_to_set = {}
    for i in pairs(batch.changed) do
      local value = batch.values[i]
      pairs_to_set[#pairs_to_set + 1] = batch.keys[i]
      pairs_to_set[#pairs_to_set + 1] = value == true and format_account(batch.accounts[i]) or value
    end
    -- After this point nothing may fail: every type was checked, every value is a string.
    redis.call('MSET', unpack(pairs_to_set))
  end
  for box, entries in pairs(batch.entries) do
    redis.call('RPUSH', batch.keys[batch.lists_from + box], unpack(entries))
  end
  for _, edit in ipairs(batch.edits) do
    redis.call(unpack(edit))
  end
end

local function milliseconds()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function post(keys, args)
  local batch = open_batch(keys, tonumber(args[1]), tonumber(args[2]))
  local at = milliseconds()
  local now = string.format('%013.0f', at)
  local results = {at}
  local contents, from = args[4], 1
  for i, item in ipairs(cmsgpack.unpack(args[3])) do
    local to = from + 16 + item[3]
    item.digest = string.sub(contents, from, from + 15)
    item.body = string.sub(contents, from + 16, to - 1)
    from = to
    results[i + 1] = apply(batch, item, now)
  end
  check_books(batch)
  write(batch)
  return results
end

local function sweep(keys, args)
  local before = tonumber(args[1])
  local stale = {}
  for i, mark in ipairs(redis.call('MGET', unpack(keys))) do
    local at, money = parse_mark(mark or '')
    if at and not money and tonumber(at) < before then
      stale[#stale + 1] = keys[i]
    end
  end
  if #stale == 0 then
    return 0
  end
  return redis.call('DEL', unpack(stale))
end

local function books(keys, args)
  local world = parse_account(redis.call('GET', keys[1]) or '4 0')
  local sheet = {}
  for i, currency in ipairs(args) do
    local at = world and place_of(world, currency)
    local owed = at and world[at + 1] or 0
    sheet[i] = {currency, digits(owed), redis.call('GET', keys[i + 1]) or '0'}
  end
  return sheet
end

redis.register_function('teller_post', post)
redis.register_function('teller_sweep', sweep)
redis.register_function{function_name = 'teller_books', callback = books, flags = {'no-writes'}}
redis.register_function{
  function_name = 'teller_version',
  callback = function() return {CONTRACT, VERSION} end,
  flags = {'no-writes'},
}
