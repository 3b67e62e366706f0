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

-- Adds `sum` to what the account holds back; with `free` it comes from what is available. Answers and
-- returns as `change` does.
local function hold(account, sum, free)
  local at, n = place_of(account, currency) or add_currency(account, currency), answer_count
  local before, version = account[at + 1] + account[at + 2], account[2] + 1
  account[at + 2], account[2] = account[at + 2] + sum, version
  if free then account[at + 1] = account[at + 1] - sum end
  answers[n + 1], answers[n + 2], answers[n + 3] = account[at + 1], account[at + 2], version
  answer_count = n + 3
  return account[at + 1] + account[at + 2] - before
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
  local give = waits and hold or change
  if change(accounts[sender], -amount) + give(accounts[to], amount) ~= 0 then
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

-- The rooms of an account, which are set i, with the room or without it. It is a set.
local function change_rooms(i, with)
  is_in(i, extra.room)
  put_name(i, extra.room, with)
end

local function change_members()
  if kind ~= JOIN and kind ~= CREATE and kind ~= LEAVE then return end
  local role = kind == CREATE and 'owner' or 'member'
  put_field(members, who, kind ~= LEAVE and role)
  if extra.joined ~= 0 then
    change_rooms(extra.joined, kind ~= LEAVE)
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
    field_of(extra.tokens, extra.token)
    put_field(extra.tokens, extra.token, extra.device)
  elseif kind == FLAG then
    local account, flag = accounts[to], extra.flag
    local without = account[1] - (account[1] % (2 * flag) >= flag and flag or 0)
    account[1] = without + flag * extra.on
    dirty[to] = true
  end
end

-- The mark tells a duplicate; for money it holds the payer's balance, so that a replayed ack says
-- what the original said.
local function set_mark(seq)
  local text
  if sender == 0 or kind == REGISTER then
    text = digest .. (kind == ASK and '\4' or '\0') .. encode('>I6', seq) .. stamp_now .. box
  else
    -- The last answers are the payer's balance and, if that is here, the payee's.
    local n, form = answer_count - (to ~= 0 and 5 or 2), to == 0 and 2 or waits and 3 or 1
    text = encode('>c16BI6I6i8I8I7c0', digest, form, seq, now,
      answers[n], answers[n + 1], answers[n + 2], box)
  end
  marks[mark] = text
  sets[set_count + 1], sets[set_count + 2] = keys[mark], text   -- as `set`
  set_count = set_count + 2
end

local function append_entry()
  local entry = digits_now .. body
  local seq = first ~= 0 and push(first, entry) or 0
  if second ~= 0 then push(second, entry) end
  if third ~= 0 then push(third, entry) end
  return seq
end
