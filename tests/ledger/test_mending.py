"""The MEND: one end of a lane is brought up to the other, and what was lost is booked. What the
store answers and holds is what the model does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from protocol.money import AMOUNT_MAX as MAX
from server.ledger.arrivals import arrival
from server.ledger.corrections import CorrectionEntry
from server.ledger.keys import LOSSES, SUSPENSE
from server.ledger.lanes import OutLane
from server.ledger.legs import stamped
from server.ledger.mending import mend_end, mend_source
from server.ledger.posts import Post
from server.ledger.records import parse_record
from server.ledger.status import Status

from . import builders as b
from .ledgers import StoreLedger
from .test_corruption import PLANTED
from .town import ALICE, BOB, KEYS, OK, THERE, Town, far

OUT = KEYS.lane_out(ALICE.partition, str(BOB.partition))
OUTBOX = KEYS.outbox(ALICE.partition, str(BOB.partition))
IN = KEYS.lane_in(BOB.partition, str(ALICE.partition))
OWED, HAD = KEYS.losses(ALICE.partition), KEYS.suspense(BOB.partition)


@pytest.fixture
def town(town_of_sixteen: Town) -> Town:
    """@bob got two payments that @alice's side knows nothing of, and a third is in her outbox."""
    town = town_of_sixteen
    for number, amount in enumerate((30, 12), 1):
        leg = far(b.payment(f"lost{number}", "@alice", "@bob", amount)).legs[0].data
        at = stamped(1_000 + number, leg)
        arrived = arrival(KEYS, BOB.partition, str(ALICE.partition), number, at, 0)
        assert town.apply([arrived])[1][0] == OK
    assert town.post(b.payment("new", "@alice", "@bob", 5))[0] == OK
    return town


def lost(id: str, amount: int = 0, currency: str = "USD", to: str = "@bob") -> CorrectionEntry:
    money = {"amount": amount, "currency": currency} if amount else {}
    return CorrectionEntry(id, "@alice", to, "0>1", **money)  # type: ignore[arg-type]


def mended(before: int = 0, number: int = 2, corrections: tuple[CorrectionEntry, ...] = ()) -> Post:
    """At the source; without `corrections` those for both payments."""
    both = lost("lost1", 30), lost("lost2", 12)
    return mend_source(KEYS, THERE, before, number, corrections or both)


def test_what_the_source_has_lost_is_owed_and_the_lane_goes_on(town: Town):
    assert [result for _, result in town.carrier.push(THERE)] == [[Status.LANE_FORKED, b"2"]]
    assert town.apply([mended()])[1] == [OK, 2]
    assert town.scalar(OWED.record) == b.record("4 2 USD -42 0")
    assert [one.id for one in town.box_of(OWED)] == ["lost1", "lost2"]
    out = town.carrier.out(THERE)
    assert (out.sent, out.done, out.first, out.sums) == (3, 2, 3, {"USD": 47})
    assert town.transit() == {"USD": 5}
    town.carrier.carry([THERE])
    assert town.transit() == {}
    assert (town.money("@alice"), town.money("@bob")) == ({"USD": 95}, {"USD": 47})
    town.compare()


def test_it_may_be_done_in_pieces_and_each_happens_once(town: Town):
    first, second = mended(0, 1, (lost("lost1", 30),)), mended(1, 2, (lost("lost2", 12),))
    assert town.apply([first])[1] == [OK, 1]
    assert town.apply([first])[1] == [Status.LANE_MOVED, b"1"]
    assert town.apply([second])[1] == [OK, 2]
    assert town.apply([second])[1] == [Status.LANE_MOVED, b"2"]
    assert town.scalar(OWED.record) == b.record("4 2 USD -42 0")
    town.carrier.carry([THERE])
    town.compare()


def test_settled_legs_that_the_outbox_kept_go_with_it(town: Town):
    """Their numbers would not follow each other any more."""
    lane = THERE[::-1]
    town.post(b.payment("b1", "@bob", "@alice", 1))
    town.carrier.carry([lane])
    town.post(b.payment("b2", "@bob", "@alice", 1))
    forged = stamped(2**44, far(b.payment("b3", "@bob", "@alice", 1)).legs[0].data)
    town.carrier.push(lane)
    town.apply([arrival(KEYS, lane[1], str(lane[0]), 3, forged, 1)])
    town.carrier.settle(lane, town.carrier.push(lane))
    nothing = CorrectionEntry("", LOSSES, LOSSES, "1>0", 1, "USD")
    assert town.apply([mend_source(KEYS, lane, 2, 3, [nothing])])[1] == [OK, 1]
    assert town.carrier.legs(lane) == {}
    assert (town.carrier.out(lane).first, town.carrier.out(lane).sent) == (4, 3)
    assert town.post(b.payment("b4", "@bob", "@alice", 1))[-1] == 4
    town.compare()


def test_words_alone_move_no_money(town: Town):
    assert town.apply([mended(0, 2, (lost("", 0),))])[1] == [OK, 1]
    assert town.scalar(OWED.record) == b.record("4 0")
    town.compare()


def test_what_the_end_has_lost_is_in_suspense(town: Town):
    post = mend_end(KEYS, THERE, 2, 9, [lost("a", 7), lost("b", 1, "EUR")])
    assert town.apply([post])[1] == [OK, 2]
    assert town.scalar(HAD.record) == b.record("0 2 USD 7 0 EUR 1 0")
    arrived = town.carrier.arrived(THERE)
    assert (arrived.last, arrived.sums) == (9, {"USD": 49, "EUR": 1})
    assert town.apply([post])[1] == [Status.LANE_MOVED, b"9"]
    town.compare()


# --- refused ---

REFUSED: list[tuple[Callable[[], Post], list[int | bytes]]] = [
    (lambda: mended(1, 9, (lost("x", MAX), lost("y", 1))), [Status.LANE_MOVED, b"0"]),
    (lambda: mended(0, 0, (lost("x", MAX), lost("y", 1))), [Status.LANE_MOVED, b"0"]),
    (lambda: mended(0, 2, (lost("x", MAX), lost("y", 1))), [Status.BALANCE_OVERFLOW]),
    (lambda: mended(0, 2, (lost("x", MAX), lost("y", 1, "EUR"))), [OK, 2]),
]


def test_refusals_by_precedence_change_nothing(town: Town):
    for make, answer in REFUSED:
        before = town.dump()
        assert town.apply([make()])[1] == answer
        assert (town.dump() == before) is (answer[0] != OK)
        town.compare()


def test_suspense_holds_no_more_than_an_account_can(town: Town):
    before = town.dump()
    full = mend_end(KEYS, THERE, 2, 9, [lost("a", MAX), lost("b", 1)])
    assert town.apply([full])[1] == [Status.BALANCE_OVERFLOW]
    gone = mend_end(KEYS, THERE, 1, 9, [lost("a", MAX), lost("b", 1)])
    assert town.apply([gone])[1] == [Status.LANE_MOVED, b"2"]
    assert town.dump() == before
    assert town.apply([mend_end(KEYS, THERE, 2, 9, [lost("a", MAX)])])[1] == [OK, 1]
    town.compare()


def _set(key: bytes, value: bytes) -> Callable[[Town], object]:
    return lambda town: town.client.set(key, value)


TYPES = [
    ("lane", OUT, b"string"),
    ("outbox", OUTBOX, b"list"),
    ("account", OWED.record, b"string"),
    ("box", OWED.box, b"list"),
]
DAMAGE: dict[str, Callable[[Town], object]] = {
    "the lane": _set(OUT, b"damaged"),
    "an outbox that is shorter": lambda town: town.client.rpop(OUTBOX),
    "an account that is none": _set(OWED.record, b"damaged"),
    "an account that may not owe": _set(OWED.record, b.record("0 0")),
    "an account at its last version": _set(OWED.record, b.record(f"4 {MAX - 1}")),
    "a lane at its last number": _set(OUT, OutLane(2**48 - 2, 2**48 - 3, 2**48 - 2).stored()),
    **{
        f"{kind.decode()} for the {what}": lambda town, plant=plant, key=key: (
            town.client.delete(key),
            plant(town.client, key),
        )
        for kind, plant in PLANTED.items()
        for what, key, right in TYPES
        if kind != right
    },
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_refused_before_the_first_write(town: Town, what: str):
    DAMAGE[what](town)
    at = OutLane.parse(town.scalar(OUT)).done if what == "a lane at its last number" else 0
    before = town.dump()
    posts = [mended(at, at + 2)] if at == 0 else [mended(at, 2**48 - 2)]
    assert StoreLedger.apply(town, posts)[1:] == [[Status.CORRUPT]]
    assert town.dump() == before


def test_suspense_that_may_owe_is_damaged(town: Town):
    town.client.set(HAD.record, b.record("4 0"))
    post = mend_end(KEYS, THERE, 2, 9, [lost("a", 1)])
    assert StoreLedger.apply(town, [post])[1] == [Status.CORRUPT]


# --- a leg behind one that never came ---


def test_a_leg_behind_another_than_came_is_refused(town: Town):
    """Else the end would go on with the source's new legs, and never get those before them."""
    town.post(b.payment("n2", "@alice", "@bob", 1))
    town.post(b.payment("n3", "@alice", "@bob", 1))
    before = town.dump()
    assert [result for _, result in town.carrier.push(THERE, first=3)] == [
        [Status.LANE_FORKED, b"2"]
    ]
    assert town.dump() == before
    town.compare()


def test_the_system_accounts_keep_their_signs(town: Town):
    town.apply([mended()])
    town.apply([mend_end(KEYS, THERE, 2, 3, [lost("a", 7)])])
    for keys, sign in ((OWED, -1), (HAD, 1)):
        record = parse_record(town.scalar(keys.record) or b"")
        assert all(has.available * sign > 0 for has in record.balances.values()), keys.name
    assert (OWED.name, HAD.name) == (LOSSES, SUSPENSE)
