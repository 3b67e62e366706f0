"""Lanes whose one end was really lost: what is missing is found, booked by name, and the audit is
green again. On a real store, since the model cannot forget."""

from __future__ import annotations

import pytest

from server.ledger import mend_plan
from server.ledger.keys import LOSSES
from server.ledger.lane_state import Fault, look
from server.ledger.mend_plan import plan
from server.ledger.shelf import Shelf
from server.ledger.status import Status

from . import builders as b
from .losing import judged, keep, lose, lost_payments, mend, names, wait_for_another_ms
from .town import ALICE, BACK, BOB, KEYS, THERE, Town


@pytest.fixture
def town(paid_town: Town) -> Town:
    return paid_town


async def test_the_lost_debits_are_owed_by_name(town: Town, shelf: Shelf):
    lost_payments(town)
    state = await look(shelf, *THERE)
    assert (state.fault, state.lost, state.waiting) == (Fault.SOURCE_LOST, 3, 1)
    assert state.in_transit == {"USD": -25}
    before = await judged(shelf)
    assert [one for one in before.findings if "lost1" in one or "lost2" in one]
    assert any("has lost legs at its source" in one for one in before.findings)

    made = await mend(shelf)
    assert names(made) == [
        ("lost1", "@alice", "@bob", (10, "USD")),
        ("lost2", "@alice", "@bob", (20, "USD")),
    ]
    assert (made.money, made.lost, made.waiting) == ({"USD": 30}, 3, 1)
    assert [result[0] for _, result in town.carrier.carry([THERE])] == [Status.OK]
    assert (town.money("@alice"), town.money("@bob")) == ({"USD": 94}, {"USD": 36})
    report = await judged(shelf)
    assert (report.findings, report.lost, report.in_transit) == ([], {"USD": 30}, {})
    assert (report.circulation, report.held) == ({"USD": 100}, {"USD": 100})
    assert (await look(shelf, *THERE)).fault is Fault.NONE
    assert (await plan(shelf, *THERE)).fault is Fault.NONE


async def test_a_plan_writes_nothing(town: Town, shelf: Shelf):
    lost_payments(town)
    before = town.dump()
    first, second = await plan(shelf, *THERE), await plan(shelf, *THERE)
    await look(shelf, *THERE)
    assert first == second
    assert town.dump() == before


async def test_a_source_that_sent_nothing_since(town: Town, shelf: Shelf):
    kept = keep(town, ALICE.partition)
    town.post(b.payment("lost", "@alice", "@bob", 10))
    town.carrier.carry([THERE])
    lose(town, ALICE.partition, kept)
    made = await mend(shelf)
    assert (names(made), made.waiting) == ([("lost", "@alice", "@bob", (10, "USD"))], 0)
    assert town.post(b.payment("next", "@alice", "@bob", 2))[-1] == 3
    town.carrier.carry([THERE])
    report = await judged(shelf)
    assert (report.findings, report.lost) == ([], {"USD": 10})


async def test_more_new_legs_than_were_lost(town: Town, shelf: Shelf):
    """The newest has a number that did not come yet: it must not arrive before the others."""
    lost_payments(town)
    for n in range(6):
        town.post(b.payment(f"more{n}", "@alice", "@bob", 1))
    answers = {result[0] for _, result in town.carrier.push(THERE)}
    assert answers == {Status.LANE_FORKED, Status.LANE_GAP}
    findings = (await judged(shelf)).findings
    assert any("3 others have numbers of legs that arrived" in one for one in findings)
    await mend(shelf)
    town.carrier.carry([THERE])
    assert town.money("@bob") == {"USD": 42}
    assert (await judged(shelf)).findings == []


async def test_what_both_ends_know_is_settled_first(town: Town, shelf: Shelf):
    """One that came back was not settled when the source lost what was behind it."""
    town.post(b.payment("known", "@alice", "@bob", 3))
    town.post(b.freeze("f", "@bob"))
    town.post(b.payment("back", "@alice", "@bob", 4))
    town.carrier.push(THERE, most=1)
    town.post(b.thaw("t", "@bob"))
    pushed = town.carrier.push(THERE, most=2)
    kept = keep(town, ALICE.partition)
    town.post(b.payment("lost", "@alice", "@bob", 10))
    pushed += town.carrier.push(THERE, first=4)
    lose(town, ALICE.partition, kept)
    refused = town.carrier.arrived(THERE).refused
    made = await mend(shelf)
    assert refused == [2]
    assert names(made) == [("lost", "@alice", "@bob", (10, "USD"))]
    settled = [entry for entry in town.box("@alice") if type(entry).__name__ == "SettledEntry"]
    assert [entry.id for entry in settled] == ["p1", "back"]  # type: ignore[attr-defined]
    town.carrier.carry([BACK])
    report = await judged(shelf)
    assert (report.findings, report.lost) == ([], {"USD": 10})


async def test_interrupted_at_every_step_it_can_be_done_again(
    town: Town, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mend_plan, "CORRECTIONS_MAX", 1)
    town.post(b.payment("known", "@alice", "@bob", 3))
    town.carrier.push(THERE)
    lost_payments(town)
    steps = 0
    while (await plan(shelf, *THERE)).fault is not Fault.NONE:
        await mend(shelf, most=1)
        steps += 1
    assert steps == 3
    town.carrier.carry([THERE])
    report = await judged(shelf)
    assert (report.findings, report.lost) == ([], {"USD": 30})


async def test_twice_the_same_fate(town: Town, shelf: Shelf):
    for again in range(2):
        kept = keep(town, ALICE.partition)
        town.post(b.payment(f"lost{again}", "@alice", "@bob", 10))
        town.carrier.carry([THERE])
        lose(town, ALICE.partition, kept)
        wait_for_another_ms(town, THERE)
        made = await mend(shelf)
        assert names(made) == [(f"lost{again}", "@alice", "@bob", (10, "USD"))]
    assert (await judged(shelf)).lost == {"USD": 20}
    assert (await judged(shelf)).findings == []


async def test_a_payment_sent_again_is_another_one(town: Town, shelf: Shelf):
    """Its payer was not told of the first; both arrive, and only one is owed."""
    kept = keep(town, ALICE.partition)
    town.post(b.payment("twice", "@alice", "@bob", 10))
    town.carrier.carry([THERE])
    lose(town, ALICE.partition, kept)
    wait_for_another_ms(town, THERE)
    town.post(b.payment("twice", "@alice", "@bob", 10))
    assert (await mend(shelf)).money == {"USD": 10}
    town.carrier.carry([THERE])
    report = await judged(shelf)
    assert (report.findings, report.lost) == ([], {"USD": 10})
    assert town.money("@bob") == {"USD": 21}


async def test_a_refused_payment_is_owed_without_a_name(town: Town, shelf: Shelf):
    """Its payer, whose debit is lost, got it back nevertheless."""
    town.post(b.freeze("f", "@bob"))
    kept = keep(town, ALICE.partition)
    town.post(b.payment("lost", "@alice", "@bob", 10))
    town.carrier.push(THERE)
    lose(town, ALICE.partition, kept)
    town.carrier.carry([BACK])
    assert town.money("@alice") == {"USD": 109}
    assert names(await mend(shelf)) == [("", LOSSES, LOSSES, (10, "USD"))]
    report = await judged(shelf)
    assert (report.findings, report.lost) == ([], {"USD": 10})


async def test_lost_words_are_written_down_without_money(town: Town, shelf: Shelf):
    kept = keep(town, ALICE.partition)
    town.post(b.message("words", "@alice", "@bob"))
    town.carrier.carry([THERE])
    lose(town, ALICE.partition, kept)
    assert names(await mend(shelf)) == [("", LOSSES, LOSSES, None)]
    report = await judged(shelf)
    assert (report.findings, report.lost) == ([], {})
    assert (await look(shelf, *THERE)).fault is Fault.NONE


async def test_a_room_elsewhere_that_shows_a_lost_payment(town: Town, shelf: Shelf):
    den = KEYS.of("#den")
    lane = (ALICE.partition, den.partition)
    town.post(b.create("k", "@bob", "#den"))
    town.post(b.join("j", "@alice", "#den"))
    town.carrier.carry([(den.partition, BOB.partition), (den.partition, ALICE.partition)])
    kept = keep(town, ALICE.partition)
    town.post(b.payment("shown", "@alice", "@bob", 10, room="#den"))
    town.carrier.carry([THERE, lane])
    lose(town, ALICE.partition, kept)
    assert names(await mend(shelf)) == [("shown", "@alice", "@bob", (10, "USD"))]
    assert any("#den" in one for one in (await judged(shelf)).findings)
    made = await plan(shelf, *lane)
    assert names(made) == [("shown", "@alice", "#den", None)]
    for post, good in made.posts(KEYS):
        assert Status(int((await shelf.apply(post))[0])) in good
    report = await judged(shelf)
    assert (report.findings, report.lost) == ([], {"USD": 10})


# --- the end ---


async def test_what_the_end_has_lost_for_good_is_in_suspense(town: Town, shelf: Shelf):
    town.carrier.keep = 0
    kept = keep(town, BOB.partition)
    town.post(b.payment("lost1", "@alice", "@bob", 10))
    town.post(b.message("words", "@alice", "@bob"))
    town.carrier.carry([THERE])
    lose(town, BOB.partition, kept)
    town.post(b.payment("new", "@alice", "@bob", 5))
    state = await look(shelf, *THERE)
    assert (state.fault, state.lost) == (Fault.END_LOST, 2)
    made = await mend(shelf)
    assert names(made) == [("lost1", "@alice", "@bob", (10, "USD"))]
    town.carrier.carry([THERE])
    assert (town.money("@alice"), town.money("@bob")) == ({"USD": 84}, {"USD": 6})
    assert town.scalar(KEYS.suspense(BOB.partition).record) == b.record("0 1 USD 10 0")
    report = await judged(shelf)
    assert (report.findings, report.lost, report.in_transit) == ([], {}, {})
    assert (await plan(shelf, *THERE)).fault is Fault.NONE


async def test_what_the_outbox_still_holds_needs_no_mending(town: Town, shelf: Shelf):
    kept = keep(town, BOB.partition)
    town.post(b.payment("lost1", "@alice", "@bob", 10))
    town.carrier.carry([THERE])
    lose(town, BOB.partition, kept)
    assert (await look(shelf, *THERE)).fault is Fault.NONE
    assert (await plan(shelf, *THERE)).fault is Fault.NONE
