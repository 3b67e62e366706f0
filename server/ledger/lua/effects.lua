-- What a post does, once every check has passed. Only tables change here; nothing can fail.

local function change(account, currency, amount, result)
  local at = place_of(account, currency) or add_currency(account, currency, 0, 0)
  local available, version = account[at + 1] + amount, account.version + 1
  account[at + 1], account.version = available, version
  local n = #result
  result[n + 1], result[n + 2], result[n + 3] = available, account[at + 2], version
end

-- Moves the money; the payer's and the payee's balance go to the result.
local function transfer(batch, post, result)
  local payer, payee = batch.accounts[post[8]], batch.accounts[post[7]]
  local currency, amount = post[10], tonumber(post[9])
  change(payer, currency, -amount, result)
  change(payee, currency, amount, result)
  if post[14] then
    batch.totals[post[14]] = total_of(batch, post[14]) + amount
  end
  changed(batch, post[8], payer)
  changed(batch, post[7], payee)
end

local function append(batch, boxes, entry, result)
  for n, box in ipairs(boxes) do
    local seq = batch.lengths[box] + 1
    batch.lengths[box] = seq
    push(batch, box, entry)
    result[n + 1] = seq
  end
end

local function change_members(batch, post)
  local kind, members, who, extra = post[1], post[12], post[13], post[15]
  if kind == LEAVE then
    batch.members[members][who] = false
    batch.joined[extra[1]] = batch.joined[extra[1]] - 1
    edit(batch, 'HDEL', members, who)
    edit(batch, 'SREM', extra[1], extra[2])
    return
  end
  local role = kind == CREATE and 'owner' or 'member'
  batch.members[members][who] = role
  batch.joined[extra[1]] = batch.joined[extra[1]] + 1
  edit(batch, 'HSET', members, who, role)
  edit(batch, 'SADD', extra[1], extra[2])
end

local function open_account(batch, i)
  local account = new_account()
  batch.accounts[i] = account
  changed(batch, i, account)
end

local function change_accounts(batch, post)
  local kind = post[1]
  if kind == CREATE then
    open_account(batch, post[11])
  elseif kind == REGISTER then
    local extra = post[15]
    open_account(batch, post[7])
    set_scalar(batch, extra[1], extra[2])
    edit(batch, 'HSET', extra[3], extra[4], extra[5])
  elseif kind == FREEZE or kind == THAW then
    local account = batch.accounts[post[7]]
    local frozen = is_frozen(account) and FROZEN or 0
    account.flags = account.flags - frozen + (kind == FREEZE and FROZEN or 0)
    changed(batch, post[7], account)
  end
end

-- The mark that tells a duplicate; for money with the payer's balance, so that a replayed ack says
-- what the original said.
local function mark_of(post, digest, result, now)
  local mark = digest .. digits(result[2] or 0) .. ' ' .. now .. ' ' .. post[5]
  if not post[9] or post[1] == REGISTER then
    return mark
  end
  local at = #post[6] + 2
  return mark .. format(' %d %d %d', result[at], result[at + 1], result[at + 2])
end

local function apply(batch, post, digest, body, now)
  local status, detail = refusal(batch, post, digest)
  if status then
    return {status, detail}
  end
  local result, kind = {OK}, post[1]
  if kind ~= ENTRY then
    change_accounts(batch, post)
    if kind == CREATE or kind == JOIN or kind == LEAVE then
      change_members(batch, post)
    end
  end
  append(batch, post[6], now .. body, result)
  if post[9] then
    transfer(batch, post, result)
  end
  set_scalar(batch, post[2], mark_of(post, digest, result, now))
  return result
end
