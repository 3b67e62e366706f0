-- Applies the post at hand.
local function apply()
  if kind >= ARRIVE and kind ~= ASK then
    if kind == MEND then return apply_mend() end
    if kind > SETTLE then return apply_offer() end
    return apply_lane_post()
  end
  local status, detail = refusal()
  if away then
    status, detail = check_away(status, detail)
  end
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
  if pair_after then set_pair() end
  local seq = append_entry()
  if sender ~= 0 then
    if to ~= 0 then transfer() else debit() end
  end
  if asks then change_fields() end
  set_mark(seq)
  if away then
    for i = 1, legs do
      send_leg(leg_lanes[i], leg_outboxes[i], leg_texts[i])
    end
  end
end
