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

local function unbalanced()
  error('teller: postings of ' .. currency .. ' do not sum to zero; nothing was written')
end

-- Moves the money. Double entry, enforced: what one account gains, the other loses.
local function transfer()
  if total ~= 0 then
    totals[total] = total_of(total) + amount
  end
  dirty[sender], dirty[to] = true, true
  if change(accounts[sender], -amount) + change(accounts[to], amount) ~= 0 then
    unbalanced()
  end
end

-- Takes the money from the payer and sends it off. What the payer loses, one lane gains.
local function debit()
  local gained = 0
  dirty[sender] = true
  for i = 1, away and legs or 0 do
    if leg_money[i] then
      gained = gained + carry(lanes[leg_lanes[i]], currency, amount)
    end
  end
  if change(accounts[sender], -amount) + gained ~= 0 then
    unbalanced()
  end
end

-- The rooms of an account, which are set i, with the room or without it.
local function change_rooms(i, with)
  joined[i] = joined[i] + (with and 1 or -1)
  edit(with and 'SADD' or 'SREM', i, extra.room)
end

local function change_members()
  if kind ~= JOIN and kind ~= CREATE and kind ~= LEAVE then return end
  local by_name, set_of = roles[members], extra.joined
  if kind == LEAVE then
    by_name[who] = false
    edit('HDEL', members, who)
  else
    by_name[who] = kind == CREATE and 'owner' or 'member'
    edit('HSET', members, who, by_name[who])
  end
  if set_of ~= 0 then
    change_rooms(set_of, kind ~= LEAVE)
  end
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
    -- The last answers are the payer's balance and, if that is here, the payee's.
    local n, form = answer_count - (to ~= 0 and 5 or 2), to ~= 0 and 1 or 2
    text = encode('>c16BI6I6i8I8I7c0', digest, form, seq, now,
      answers[n], answers[n + 1], answers[n + 2], box)
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
