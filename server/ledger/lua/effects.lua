-- What a post does, once every check has passed. Only tables change here; nothing can fail.

local function change(account, currency, amount, result)
  local at = place_of(account, currency) or add_currency(account, currency, 0, 0)
  account[at + 1] = account[at + 1] + amount
  account.version = account.version + 1
  local n = #result
  result[n + 1], result[n + 2], result[n + 3] = account[at + 1], account[at + 2], account.version
end

-- Moves the money; the payer's and the payee's balance go to the result.
local function transfer(batch, post, result)
  local payer, payee = batch.accounts[post[5]], batch.accounts[post[6]]
  local currency, amount = post[11], tonumber(post[10])
  change(payer, currency, -amount, result)
  change(payee, currency, amount, result)
  if is_issuer(payer) then
    batch:set(post[12], digits(tonumber(batch:scalar(post[12]) or '0') + amount))
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

-- The mark that tells a duplicate; for money with the payer's balance, so that a replayed ack says
-- what the original said.
local function mark_of(post, result, now)
  local mark = post.digest .. digits(result[2] or 0) .. ' ' .. now .. ' ' .. post[13]
  if post[10] == '' or post[1] == REGISTER then
    return mark
  end
  local at = #post[14] + 2
  return mark .. string.format(' %.0f %.0f %.0f', result[at], result[at + 1], result[at + 2])
end

local function apply(batch, post, now)
  local status, detail = refusal(batch, post)
  if status then
    return {status, detail}
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
  if post[10] ~= '' then
    transfer(batch, post, result)
  end
  batch:set(post[2], mark_of(post, result, now))
  return result
end
