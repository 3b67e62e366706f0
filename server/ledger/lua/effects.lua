-- What a post does, once every check has passed. Only tables change here; nothing can fail.

local function change(account, currency, amount)
  if not account.available[currency] then
    account.currencies[#account.currencies + 1] = currency
    account.available[currency], account.held[currency] = 0, 0
    account.before[currency] = 0
  end
  account.available[currency] = account.available[currency] + amount
  account.version = account.version + 1
end

local function transfer(batch, post, result)
  local payer, payee = batch.accounts[post[5]], batch.accounts[post[6]]
  local currency, amount = post[11], tonumber(post[10])
  change(payer, currency, -amount)
  change(payee, currency, amount)
  if is_issuer(payer) then
    batch:set(post[12], digits(tonumber(batch:scalar(post[12]) or '0') + amount))
  end
  for _, account in ipairs({payer, payee}) do
    result[#result + 1] = account.available[currency]
    result[#result + 1] = account.held[currency]
    result[#result + 1] = account.version
  end
  batch:set(post[5], true)
  batch:set(post[6], true)
end

local function append(batch, post, entry, result)
  for _, box in ipairs(post[14]) do
    local seq = batch:length(box) + 1
    batch.lengths[box] = seq
    local entries = batch.entries[box]
    if not entries then
      entries = {}
      batch.entries[box] = entries
    end
    entries[#entries + 1] = entry
    result[#result + 1] = seq
  end
end

local function change_members(batch, post)
  local kind, who, extra = post[1], post[9], post[15]
  if kind == LEAVE then
    batch.members[post[8]][who] = false
    batch.joined[extra[1]] = batch.joined[extra[1]] - 1
    batch:edit('HDEL', post[8], who)
    batch:edit('SREM', extra[1], extra[2])
    return
  end
  local role = kind == CREATE and 'owner' or 'member'
  batch.members[post[8]][who] = role
  batch.joined[extra[1]] = batch.joined[extra[1]] + 1
  batch:edit('HSET', post[8], who, role)
  batch:edit('SADD', extra[1], extra[2])
end

local function change_accounts(batch, post)
  local kind = post[1]
  if kind == CREATE then
    batch.accounts[post[7]] = new_account()
    batch:set(post[7], true)
  elseif kind == REGISTER then
    local extra = post[15]
    batch.accounts[post[6]] = new_account()
    batch:set(post[6], true)
    batch:set(extra[1], extra[2])
    batch:edit('HSET', extra[3], extra[4], extra[5])
  elseif kind == FREEZE or kind == THAW then
    local account = batch.accounts[post[6]]
    local frozen = is_frozen(account) and 1 or 0
    account.flags = account.flags - frozen + (kind == FREEZE and FROZEN or 0)
    batch:set(post[6], true)
  end
end

local function apply(batch, post, now)
  for _, check in ipairs(CHECKS) do
    local status, detail = check(batch, post)
    if status then
      return {status, detail}
    end
  end
  local result = {OK}
  local kind = post[1]
  if kind ~= ENTRY then
    change_accounts(batch, post)
    if kind == CREATE or kind == JOIN or kind == LEAVE then
      change_members(batch, post)
    end
  end
  append(batch, post, now .. post.body, result)
  local mark = post.digest .. digits(result[2] or 0) .. ' ' .. now .. ' ' .. post[13]
  if post[10] ~= '' then
    transfer(batch, post, result)
  end
  if post[10] ~= '' and kind ~= REGISTER then
    local first = #post[14] + 2
    mark = mark .. ' ' .. digits(result[first]) .. ' ' .. digits(result[first + 1])
      .. ' ' .. digits(result[first + 2])
  end
  batch:set(post[2], mark)
  return result
end
