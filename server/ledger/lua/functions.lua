local function write()
  for i in pairs(dirty) do   -- as `set`
    sets[set_count + 1], sets[set_count + 2] = keys[scalars_from + i], format_account(accounts[i])
    set_count = set_count + 2
  end
  for i, sum in pairs(totals) do
    set(keys[scalars_from + i], digits(sum))
  end
  if lanes then
    for i in pairs(lanes_out) do
      set(keys[scalars_from + i], format_lane_out(lanes[i]))
    end
    for i in pairs(lanes_in) do
      set(keys[scalars_from + i], format_lane_in(lanes[i]))
    end
  end
  -- After this point nothing may fail: every type was checked, every value is a string.
  if set_count > 0 then
    call('MSET', spread(sets, 1, set_count))
  end
  for i, entry in pairs(pushes) do
    if more[i] then
      call('RPUSH', keys[lists_from + i], entry, spread(more[i]))
    else
      call('RPUSH', keys[lists_from + i], entry)
    end
  end
  for _, command in ipairs(edits) do
    call(spread(command))
  end
  if lanes then
    for i, dropped in pairs(trims) do
      call('LTRIM', keys[lists_from + i], dropped, -1)
    end
  end
end

local function read_clock()
  local time = call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
  digits_now, stamp_now = format('%013d', now), encode('>I6', now)
end

local served = {}   -- in a table, as a chunk has only so many locals

function served.post(names, args)
  bind()
  open_batch(names, number(args[1]), number(args[2]), number(args[3]))
  open_rows(args[4])
  read_clock()
  answers[1], answer_count = now, 1
  while next_post() do
    apply()
  end
  write()
  return answers
end

function served.sweep(keys, args)
  bind()
  local before = tonumber(args[1])
  local stale = {}
  for i, mark in ipairs(call('MGET', unpack(keys))) do
    local at, money = parse_mark(mark or '')
    if at and not money and at < before then
      stale[#stale + 1] = keys[i]
    end
  end
  if #stale == 0 then
    return 0
  end
  return call('DEL', unpack(stale))
end

function served.books(keys, args)
  bind()
  local world = parse_account(call('GET', keys[1]) or '\4\0\0\0\0\0\0\0')
  local sheet = {}
  for i, currency in ipairs(args) do
    local at = world and place_of(world, currency)
    local owed = at and world[at + 1] or 0
    sheet[i] = {currency, digits(owed), call('GET', keys[i + 1]) or '0'}
  end
  return sheet
end

function served.read(keys, args)
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

function served.mirror(keys, args)
  bind()
  if call('EXISTS', keys[3]) == 1 then
    return redis.error_reply('MIRROR the room is at home here')
  end
  local origin, length, anew = call('GET', keys[2]), call('LLEN', keys[1]), 0
  if origin ~= args[1] then
    call('SET', keys[2], args[1])
    call('DEL', keys[1], keys[4])
    length, anew = 0, origin and 1 or 0
  end
  local count = number(args[3])
  if count > 0 and length == number(args[2]) then
    length = call('RPUSH', keys[1], spread(args, 4, 3 + count))
    for i = 4 + count, #args - 2, 3 do
      local noted = with_note(call('HGET', keys[4], args[i]) or '', number(args[i + 1]), args[i + 2])
      if noted then call('HSET', keys[4], args[i], noted) end
    end
  end
  return {length, anew}
end

function served.blank(keys, args)
  bind()
  local done = 0
  for i = 1, #args, 3 do
    if call('LINDEX', keys[1], args[i]) == args[i + 1] then
      call('LSET', keys[1], args[i], args[i + 2])
      done = done + 1
    end
  end
  return done
end

redis.register_function('teller_post', served.post)
redis.register_function('teller_mirror', served.mirror)
redis.register_function{function_name = 'teller_sweep', callback = served.sweep, flags = {'allow-oom'}}
redis.register_function{function_name = 'teller_blank', callback = served.blank, flags = {'allow-oom'}}
redis.register_function{function_name = 'teller_read', callback = served.read, flags = {'no-writes'}}
redis.register_function{function_name = 'teller_books', callback = served.books, flags = {'no-writes'}}
redis.register_function{
  function_name = 'teller_version',
  callback = function() return {CONTRACT, VERSION} end,
  flags = {'no-writes'},
}
