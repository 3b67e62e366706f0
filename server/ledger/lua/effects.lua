-- What the post at hand does, once every check has passed. Only tables change here; the store does
-- so in `write`, at the end of the call.

-- Adds `sum` to the account and answers what is then available, held, and the version. Returns what
-- the account gained.
local function change(account, sum)
  local at, n = place_of(account, currency) or add_currency(account, currency), answer_count
  local before, version = account[at + 1], account[2] + 1
  account[at + 1], account[2] = before + sum, version
  answers[n + 1], answers[n + 2], answers[n + 3] = account[at + 1], account[at + 2], version
  answer_count = n + 3
  return account[at + 1] - before
end

-- Moves the money. Double entry, enforced: what one account gains, the other loses.
local function transfer()
  if total ~= 0 then
    totals[total] = total_of(total) + amount
  end
  dirty[sender], dirty[to] = true, true
  if change(accounts[sender], -amount) + change(accounts[to], amount) ~= 0 then
    error('teller: postings of ' .. currency .. ' do not sum to zero; nothing was written')
  end
end

local function change_members()
  if kind ~= JOIN and kind ~= CREATE and kind ~= LEAVE then return end
  local by_name, set_of = roles[members], extra.joined
  if kind == LEAVE then
    by_name[who], joined[set_of] = false, joined[set_of] - 1
    edit('HDEL', members, who)
    edit('SREM', set_of, extra.room)
    return
  end
  local role = kind == CREATE and 'owner' or 'member'
  by_name[who], joined[set_of] = role, joined[set_of] + 1
  edit('HSET', members, who, role)
  edit('SADD', set_of, extra.room)
end

local function open_account(i)
  accounts[i], dirty[i], values[i] = new_account(), true, true
end

local function change_accounts()
  if kind == CREATE then
    open_account(room)
  elseif kind == REGISTER then
    open_account(to)
    set(keys[scalars_from + extra.secret], extra.value)
    values[extra.secret] = true
    edit('HSET', extra.tokens, extra.token, extra.device)
  elseif kind == FREEZE or kind == THAW then
    local account = accounts[to]
    local frozen = is_frozen(account) and FROZEN or 0
    account[1] = account[1] - frozen + (kind == FREEZE and FROZEN or 0)
    dirty[to] = true
  end
end

-- The mark tells a duplicate; for money it holds the payer's balance, so that a replayed ack says
-- what the original said.
local function set_mark(seq)
  local text
  if sender == 0 or kind == REGISTER then
    text = encode('>c16BI6I6c0', digest, 0, seq, now, box)
  else
    local n = answer_count   -- the last six answers are the payer's and the payee's balance
    text = encode('>c16BI6I6i8I8I7c0', digest, 1, seq, now,
      answers[n - 5], answers[n - 4], answers[n - 3], box)
  end
  marks[mark] = text
  set(keys[mark], text)
end

local function append_entry()
  local entry = digits_now .. body
  local seq = first ~= 0 and push(first, entry) or 0
  if second ~= 0 then push(second, entry) end
  if third ~= 0 then push(third, entry) end
  return seq
end

-- Applies the post at hand.
local function apply()
  local status, detail = refusal()
  answer_count = answer_count + 1
  answers[answer_count] = status or OK
  if status then
    answer_count = answer_count + 1
    answers[answer_count] = detail or false
    return
  end
  if kind ~= ENTRY then
    change_accounts()
    change_members()
  end
  local seq = append_entry()
  if sender ~= 0 then
    transfer()
  end
  set_mark(seq)
end
