"""Legs that are refused and come back, and what happens when a step is lost, comes twice, or a side
loses its last moments. Every answer is the model's, too, where it can follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from protocol.errors import Code
from protocol.frames import (
    ReturnedEntry,
)
from protocol.money import AMOUNT_MAX as MAX
from server.ledger.conditions import Change, Op
from server.ledger.lanes import LEG_WINDOW, WRAP
from server.ledger.posts import Post
from server.ledger.status import Status
from tests.single import keys_of

from . import builders as b
from .losing import keep, lose, wait_for_another_ms
from .town import ALICE, BACK, BOB, KEYS, OK, TEA, THERE, Town, far

NEAR_TEA = keys_of("#tea").members


@pytest.fixture
def town(town_of_sixteen: Town) -> Town:
    return town_of_sixteen


# --- refused on arrival ---


def _fill(town: Town) -> None:
    town.post(b.deposit("full", "@bob", MAX))


REFUSED: dict[str, tuple[Callable[[Town], Any], Post, Status]] = {
    "nobody": (
        lambda town: None,
        b.payment("p", "@alice", "@ghost", 30),
        Status.UNKNOWN_ACCOUNT,
    ),
    "frozen": (
        lambda town: town.post(b.freeze("f", "@bob")),
        b.payment("p", "@alice", "@bob", 30),
        Status.PARTY_FROZEN,
    ),
    "full": (_fill, b.payment("p", "@alice", "@bob", 30), Status.BALANCE_OVERFLOW),
    "closed": (
        lambda town: town.post(b.close("e", "@bob")),
        b.payment("p", "@alice", "@bob", 30),
        Status.ACCOUNT_CLOSED,
    ),
    "suspended": (
        lambda town: town.post(b.suspend("s", "@bob")),
        b.payment("p", "@alice", "@bob", 30),
        Status.SUSPENDED,
    ),
    "words to somebody gone": (
        lambda town: town.post(b.close("e", "@bob")),
        b.message("p", "@alice", "@bob"),
        Status.ACCOUNT_CLOSED,
    ),
    "words to somebody suspended": (
        lambda town: town.post(b.suspend("s", "@bob")),
        b.message("p", "@alice", "@bob"),
        Status.SUSPENDED,
    ),
    "words to nobody": (
        lambda town: None,
        b.message("p", "@alice", "@ghost"),
        Status.UNKNOWN_ACCOUNT,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_on_arrival_comes_back(town: Town, name: str):
    make, paid, status = REFUSED[name]
    make(town)
    post = far(paid)
    lane = (post.partition, int(post.legs[0].dest))
    town.apply([post])
    before = town.money("@bob")
    pushed = town.carrier.push(lane)
    assert [result for _, result in pushed] == [[Status.RETURNED, b"%d" % status]]
    assert town.carrier.arrived(lane).refused == [1]
    assert town.transit(lane) == {}
    assert town.transit(lane[::-1]) == ({"USD": 30} if paid.amount else {})
    assert town.carrier.settle(lane, pushed) == [[OK]]  # no word of `settled`

    numbers = [100, 0, 3] if paid.amount else []
    assert [result for _, result in town.carrier.carry([lane[::-1]])] == [[OK, 3, *numbers]]
    assert (town.money("@alice"), town.money("@bob")) == ({"USD": 100}, before)
    entry = town.box("@alice")[-1]
    assert isinstance(entry, ReturnedEntry)
    assert (entry.id, entry.from_, entry.to) == ("p", "@alice", paid.frame.to)
    assert Code(entry.reason).name == status.name
    assert (entry.amount == 30) is bool(paid.amount)
    assert town.transit(lane[::-1]) == {}
    town.compare()


def test_the_room_that_shows_a_payment_may_refuse_it_alone(town: Town):
    lane = (ALICE.partition, KEYS.of("#den").partition)
    town.post(b.create("k", "@bob", "#den"))
    assert town.post(b.payment("p", "@alice", "@bob", 30, room="#den"))[0] == OK
    town.carrier.carry([THERE, lane])
    entry = town.box("@alice")[-1]
    assert isinstance(entry, ReturnedEntry)
    assert (entry.to, entry.reason, entry.id) == ("#den", "not_a_member", "p")
    assert entry.amount is not None
    assert (town.money("@alice"), town.money("@bob")) == ({"USD": 70}, {"USD": 30})
    town.compare()


ROLES = [("reader", "read_only"), (f"member {2**43}", "muted")]


@pytest.mark.parametrize(("role", "reason"), ROLES)
def test_room_refuses_the_words_of_who_may_only_read_there(town: Town, role: str, reason: str):
    lane = (ALICE.partition, TEA.partition)
    change = Change(NEAR_TEA, Op.PUT, "@alice", role)
    assert town.post(b.given(b.message("m", "@alice", "#tea"), change))[0] == OK
    assert town.post(b.payment("p", "@alice", "@bob", 30, room="#tea"))[0] == OK
    town.carrier.carry([THERE, lane])
    entry = town.box("@alice")[-1]
    assert isinstance(entry, ReturnedEntry)
    assert (entry.to, entry.reason) == ("#tea", reason)
    town.compare()


def test_marker_reaches_the_box_of_who_is_gone_or_locked_out(town: Town):
    """Else one could never be done with reading what they wrote."""
    town.post(b.suspend("s", "@bob"))
    town.post(b.read("1", "@alice", "@bob"))
    assert [result for _, result in town.carrier.carry([THERE])] == [[OK, 1]]
    town.post(b.suspend("t", "@bob", suspended=False))
    assert town.post(b.close("e", "@bob")) == [OK]
    town.post(b.read("2", "@alice", "@bob"))
    assert [result for _, result in town.carrier.carry([THERE])] == [[OK, 2]]
    town.compare()


def test_return_to_a_payer_who_is_gone_goes_to_suspense(town: Town):
    lane = (ALICE.partition, KEYS.partition_of("@ghost"))
    town.post(b.payment("p", "@alice", "@ghost", 100))
    town.post(b.message("m", "@alice", "@ghost"))
    assert town.post(b.close("e", "@alice")) == [OK]
    town.carrier.settle(lane, town.carrier.push(lane))
    money, words = town.carrier.push(lane[::-1])
    assert (money[1][0], words[1]) == (Status.SUSPENSE, [Status.SUSPENSE])
    suspense = KEYS.tag(ALICE.partition) + "a:$suspense"
    assert town.scalar(suspense.encode()) == b.record("0 1 USD 100 0")
    assert town.scalar(ALICE.record) == b.record("2 2 USD 0 0")
    town.compare()


def test_refusals_are_remembered_until_they_are_known_to_be_settled(town: Town):
    for n in (1, 2):
        town.post(b.payment(f"p{n}", "@alice", "@bob", 1))
    town.post(b.freeze("f", "@bob"))
    first = town.carrier.push(THERE, most=1)
    again = town.carrier.push(THERE, most=1)
    assert [result for _, result in again] == [[Status.DUPLICATE, b"1"]]
    assert len(town.carrier.legs(BACK)) == 1
    town.carrier.settle(THERE, again)
    assert first[0][1][0] == Status.RETURNED
    town.carrier.push(THERE)
    assert town.carrier.arrived(THERE).refused == [2]
    town.compare()


def test_return_to_a_frozen_payer_arrives(town: Town):
    town.post(b.payment("p", "@alice", "@ghost", 30))
    town.post(b.freeze("f", "@alice"))
    ghost = KEYS.partition_of("@ghost")
    town.carrier.carry([(ALICE.partition, ghost)])
    assert town.money("@alice") == {"USD": 100}
    town.compare()


def test_return_that_would_overfill_the_payer_goes_to_suspense(town: Town):
    lane = (ALICE.partition, KEYS.partition_of("@ghost"))
    town.post(b.payment("p", "@alice", "@ghost", 30))
    # Nobody but an operator can give so much, and only from another partition's $world.
    town.post(b.register("r", "@carol"))
    town.post(b.deposit("d", "@carol", MAX - 80))
    town.post(b.payment("q", "@carol", "@alice", MAX - 80))
    town.carrier.carry([(KEYS.partition_of("@carol"), ALICE.partition)])
    town.carrier.settle(lane, town.carrier.push(lane))
    pushed = town.carrier.push(lane[::-1])
    assert [result for _, result in pushed] == [[Status.SUSPENSE, b"4"]]
    assert town.carrier.settle(lane[::-1], pushed) == [[OK]]
    suspense = KEYS.tag(ALICE.partition) + "a:$suspense"
    assert town.scalar(suspense.encode()) == b.record("0 1 USD 30 0")
    entry = town.box("@alice")[-1]
    assert isinstance(entry, ReturnedEntry)
    assert (entry.suspended, entry.amount) == (True, 30)
    assert town.money("@alice") == {"USD": MAX - 10}
    town.compare()


# --- lost, doubled, out of turn ---


def test_a_leg_pushed_twice_arrives_once_and_is_settled_once(town: Town):
    town.post(b.payment("p", "@alice", "@bob", 30))
    first, second = town.carrier.push(THERE), town.carrier.push(THERE)
    assert [result for _, result in second] == [[Status.DUPLICATE, b"0"]]
    assert town.money("@bob") == {"USD": 30}
    assert town.carrier.settle(THERE, second, after=0) == [[OK, 3]]
    assert town.carrier.settle(THERE, first, after=0) == [[Status.LANE_MOVED, b"1"]]
    assert len(town.box("@alice")) == 3
    town.compare()


def test_a_leg_before_its_turn_changes_nothing(town: Town):
    for n in (1, 2, 3):
        town.post(b.payment(f"p{n}", "@alice", "@bob", 1))
    before = town.dump()
    gap = town.carrier.push(THERE, first=2)
    assert [result for _, result in gap] == [[Status.LANE_GAP, b"0"]] * 2
    assert town.dump() == before
    town.carrier.carry([THERE])
    assert town.money("@bob") == {"USD": 3}
    town.compare()


def test_no_leg_goes_too_far_ahead_of_the_settled_ones(town: Town):
    """So a lane-in has never to remember more refusals than one call can read."""
    town.post(b.freeze("f", "@bob"))
    for first in range(0, LEG_WINDOW + 1, 91):
        posts = [b.payment(f"p{n}", "@alice", "@bob", 1) for n in range(first, first + 91)]
        town.post(b.deposit(f"d{first}", "@alice", 91))
        town.apply([far(post) for post in posts])
    pushed = []
    for first in range(1, LEG_WINDOW + 2, 143):
        pushed += town.carrier.push(THERE, first, most=143)
    assert {result[0] for _, result in pushed[:LEG_WINDOW]} == {Status.RETURNED}
    assert pushed[LEG_WINDOW][1] == [Status.LANE_GAP, b"%d" % LEG_WINDOW]
    assert len(town.carrier.arrived(THERE).refused) == LEG_WINDOW
    town.carrier.settle(THERE, pushed)
    town.carrier.carry([THERE])
    assert town.carrier.arrived(THERE).last == 1001
    assert town.carrier.arrived(THERE).refused == [1001]


def test_nothing_is_settled_that_was_not_sent(town: Town):
    town.post(b.payment("p", "@alice", "@bob", 30))
    pushed = town.carrier.push(THERE)
    post, result = pushed[0]
    post.extra = post.extra._replace(seq=2)
    before = town.dump()
    assert town.carrier.settle(THERE, [(post, result)]) == [[Status.LANE_MOVED, b"0"]]
    assert town.dump() == before


def test_outbox_keeps_as_many_settled_legs_as_it_is_told(town: Town):
    town.carrier.keep = 2
    for n in range(6):
        town.post(b.payment(f"p{n}", "@alice", "@bob", 1))
        if n < 5:
            town.carrier.carry([THERE])
    out = town.carrier.out(THERE)
    assert (out.sent, out.done, out.first) == (6, 5, 4)
    assert sorted(town.carrier.legs(THERE)) == [4, 5, 6]
    town.carrier.keep = 0
    town.carrier.carry([THERE])
    assert town.carrier.legs(THERE) == {}
    assert town.post(b.payment("last", "@alice", "@bob", 1))[-1] == 7
    town.carrier.carry([THERE])
    assert town.money("@bob") == {"USD": 7}
    town.compare()


def test_posts_and_settlements_of_one_call_share_the_outbox(town: Town):
    town.carrier.keep = 0
    town.post(b.payment("p1", "@alice", "@bob", 1))
    pushed = town.carrier.push(THERE)
    settled: list[Post] = []
    town.apply, apply = lambda posts: (settled.extend(posts), [0])[1], town.apply  # type: ignore[method-assign]
    town.carrier.settle(THERE, pushed)
    town.apply = apply  # type: ignore[method-assign]
    posts = [far(b.payment(f"p{n}", "@alice", "@bob", 1)) for n in (2, 3)]
    results = apply([posts[0], *settled, posts[1]])[1:]
    assert [result[0] for result in results] == [OK] * 3
    assert sorted(town.carrier.legs(THERE)) == [2, 3]
    town.carrier.carry([THERE])
    assert town.money("@bob") == {"USD": 3}
    town.compare()


def test_an_end_that_lost_its_last_moments_gets_the_legs_again(town: Town):
    town.post(b.payment("p1", "@alice", "@bob", 1))
    town.carrier.carry([THERE])
    kept = keep(town, BOB.partition)
    for n in (2, 3):
        town.post(b.payment(f"p{n}", "@alice", "@bob", 10))
    town.carrier.carry([THERE])
    lose(town, BOB.partition, kept)
    assert town.money("@bob") == {"USD": 1}
    town.post(b.payment("p4", "@alice", "@bob", 5))
    assert [result for _, result in town.carrier.push(THERE)] == [[Status.LANE_GAP, b"1"]]
    again = town.carrier.push(THERE, first=2)
    assert [result[0] for _, result in again] == [OK] * 3
    assert town.carrier.settle(THERE, again) == [[OK, 9]]
    assert town.money("@bob") == {"USD": 26}
    assert town.transit() == {}


def test_a_source_that_lost_what_it_sent_is_found_out(town: Town):
    town.post(b.payment("p1", "@alice", "@bob", 1))
    town.carrier.carry([THERE])
    kept = keep(town, ALICE.partition)
    town.post(b.payment("p2", "@alice", "@bob", 10))
    town.carrier.carry([THERE])
    lose(town, ALICE.partition, kept)
    wait_for_another_ms(town, THERE)
    town.post(b.payment("p3", "@alice", "@bob", 5))
    before = town.dump()
    pushed = town.carrier.push(THERE)
    assert [result for _, result in pushed] == [[Status.LANE_FORKED, b"2"]]
    assert town.dump() == before


def test_an_old_legs_settlement_is_none_for_the_leg_that_has_its_number_now(town: Town):
    kept = keep(town, ALICE.partition)
    town.post(b.payment("lost", "@alice", "@bob", 10))
    pushed = town.carrier.push(THERE)
    lose(town, ALICE.partition, kept)
    wait_for_another_ms(town, THERE)
    town.post(b.payment("new", "@alice", "@bob", 5))
    before = town.dump()
    assert town.carrier.settle(THERE, pushed) == [[Status.LANE_FORKED, b"0"]]
    assert town.dump() == before


# --- the largest numbers ---


def test_cumulative_sums_start_again_and_stay_exact(town: Town):
    town.post(b.deposit("d", "@alice", MAX, "EUR"))
    amounts = (MAX, MAX - 1, 2**52 + 1, 3)
    for n, amount in enumerate(amounts):
        for payer, payee, lane in (("@alice", "@bob", THERE), ("@bob", "@alice", BACK)):
            assert town.post(b.payment(f"p{n}", payer, payee, amount, "EUR"))[0] == OK
            assert town.transit(lane) == {"EUR": amount}
            town.carrier.carry([lane])
            assert town.transit(lane) == {}
            town.compare()
    assert town.carrier.out(THERE).sums == {"EUR": sum(amounts) % WRAP}
    assert town.money("@alice")["EUR"] == MAX
