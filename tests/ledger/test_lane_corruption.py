"""Damage where lanes are: that of a lane's own keys stops it before the first write; that of an
account stops nobody else."""

from __future__ import annotations

import pytest
import redis

from protocol.money import AMOUNT_MAX as MAX
from server.ledger.lanes import InLane, OutLane
from server.ledger.legs import STAMP, Leg, pack_leg, read_leg
from server.ledger.posts import Post, pack_call
from server.ledger.status import Status

from . import builders as b
from .ledgers import StoreLedger
from .test_corruption import PLANTED
from .town import ALICE, BACK, BOB, KEYS, THERE, Town, far

OUT = KEYS.lane_out(ALICE.partition, str(BOB.partition))
OUTBOX = KEYS.outbox(ALICE.partition, str(BOB.partition))
IN = KEYS.lane_in(BOB.partition, str(ALICE.partition))
SUSPENSE = KEYS.suspense(ALICE.partition)
BACK_OUT = KEYS.lane_out(BOB.partition, str(ALICE.partition))
BACK_OUTBOX = KEYS.outbox(BOB.partition, str(ALICE.partition))


@pytest.fixture
def town(town_of_sixteen: Town) -> Town:
    """@alice paid @bob twice; one payment is settled, one is on its way. What is damaged is no
    matter for the model."""
    town = town_of_sixteen
    town.post(b.payment("p1", "@alice", "@bob", 30))
    town.carrier.carry([THERE])
    town.post(b.payment("p2", "@alice", "@bob", 5))
    town.apply = lambda posts: StoreLedger.apply(town, posts)  # type: ignore[method-assign]
    return town


def third() -> Post:
    """One more payment."""
    return far(b.payment("p3", "@alice", "@bob", 1))


def freeze_bob(town: Town) -> None:
    """So that what comes for him goes back."""
    town.client.set(BOB.record, b.record("1 1 USD 30 0"))


def push(town: Town) -> list[int | bytes]:
    """The answer to the arrival of the leg that is on its way."""
    return town.carrier.push(THERE)[0][1]


OUT_LANE = OutLane(2, 1, 1, {"USD": 35})
IN_LANE = InLane(1, 1, [], {"USD": 30})
DAMAGED_OUT = {
    "empty": b"",
    "short": OUT_LANE.stored()[:17],
    "half a sum": OUT_LANE.stored()[:-1],
    "more settled than sent": OutLane(2, 3, 1).stored(),
    "first behind the settled": OutLane(4, 1, 3).stored(),
    "first of zero": OutLane(1, 1, 0).stored(),
    "sum that wraps": OutLane(2, 1, 1, {"USD": 2**53}).stored(),
    "currency of none": OutLane(2, 1, 1, {"usd": 1}).stored(),
    "currency twice": OUT_LANE.stored() + OUT_LANE.stored()[-11:],
    "more sent than the outbox holds": OutLane(3, 1, 1).stored(),
    "the last number": OutLane(2**48 - 1, 2**48 - 3, 2**48 - 2).stored(),
}
DAMAGED_IN = {
    "empty": b"",
    "short": IN_LANE.stored()[:13],
    "fewer refused than it says": InLane(1, 1, [1]).stored()[:-1],
    "refused that did not come": InLane(1, 1, [2]).stored(),
    "more refused than there can be": InLane(1001, 1, list(range(1, 1002))).stored(),
    "refused twice": InLane(3, 1, [1, 1]).stored(),
    "half a sum": IN_LANE.stored()[:-1],
    "sum that wraps": InLane(1, 1, [], {"USD": 2**53}).stored(),
    "currency twice": IN_LANE.stored() + IN_LANE.stored()[-11:],
}


@pytest.mark.parametrize("damage", DAMAGED_OUT)
def test_damaged_lane_takes_no_leg(town: Town, damage: str):
    town.client.set(OUT, DAMAGED_OUT[damage])
    refused_whole(town, third())


@pytest.mark.parametrize("damage", [name for name in DAMAGED_OUT if name != "the last number"])
def test_damaged_lane_is_not_settled(town: Town, damage: str):
    pushed = town.carrier.push(THERE)
    town.client.set(OUT, DAMAGED_OUT[damage])
    before = town.dump()
    assert town.carrier.settle(THERE, pushed, after=1) == [[Status.CORRUPT]]
    assert town.dump() == before


@pytest.mark.parametrize("damage", DAMAGED_IN)
def test_damaged_lane_at_its_end(town: Town, damage: str):
    town.client.set(IN, DAMAGED_IN[damage])
    before = town.dump()
    assert push(town) == [Status.CORRUPT]
    assert town.dump() == before


def plant(town: Town, key: bytes, kind: bytes) -> None:
    """Put something of another kind in the place of `key`."""
    town.client.delete(key)
    PLANTED[kind](town.client, key)


def refused_whole(town: Town, post: Post) -> None:
    """`post` is refused as CORRUPT, and every byte stays as it was."""
    before = town.dump()
    assert town.apply([post])[1] == [Status.CORRUPT]
    assert town.dump() == before


@pytest.mark.parametrize("kind", PLANTED)
@pytest.mark.parametrize(("key", "right"), [(OUT, b"string"), (OUTBOX, b"list")])
def test_wrong_type_at_the_source_refuses_the_post(
    town: Town, key: bytes, right: bytes, kind: bytes
):
    plant(town, key, kind)  # also one of the right type, which holds what it should not
    assert kind != right or town.client.type(key) == right
    refused_whole(town, third())


@pytest.mark.parametrize("kind", [kind for kind in PLANTED if kind != b"string"])
def test_wrong_type_of_the_lane_in_stops_it(town: Town, kind: bytes):
    plant(town, IN, kind)
    before = town.dump()
    assert push(town) == [Status.CORRUPT]
    assert town.dump() == before


@pytest.mark.parametrize("kind", [kind for kind in PLANTED if kind != b"list"])
def test_wrong_type_of_the_outbox_back_keeps_the_leg(town: Town, kind: bytes):
    plant(town, BACK_OUTBOX, kind)
    freeze_bob(town)
    before = town.dump()
    assert push(town) == [Status.CORRUPT]
    assert town.dump() == before


def test_wrong_type_of_the_lane_back_keeps_the_leg(town: Town):
    plant(town, BACK_OUT, b"hash")
    freeze_bob(town)
    before = town.dump()
    assert push(town) == [Status.CORRUPT]
    assert town.dump() == before


@pytest.mark.parametrize("place", ["record", "box"])
def test_leg_to_a_damaged_account_goes_back_and_stops_nobody(town: Town, place: str):
    town.post(b.register("r", "@carol"))
    plant(town, getattr(BOB, place), b"hash")
    assert push(town) == [Status.RETURNED, b"%d" % Status.CORRUPT]
    town.carrier.carry([THERE, BACK])
    assert town.money("@alice") == {"USD": 70}
    assert town.box("@alice")[-1].reason == "internal"


@pytest.mark.parametrize("place", ["record", "box"])
def test_return_to_a_damaged_payer_goes_to_suspense(town: Town, place: str):
    freeze_bob(town)
    push(town)
    plant(town, getattr(ALICE, place), b"hash")
    ((_, result),) = town.carrier.push(BACK)
    # A box that is one, of an account that is none, is not written to either.
    assert result == [Status.SUSPENSE]
    assert town.scalar(SUSPENSE.record) == b.record("0 1 USD 5 0")
    assert len(town.entries(SUSPENSE.box)) == 1


@pytest.mark.parametrize("place", ["record", "box"])
def test_damaged_suspense_keeps_the_return(town: Town, place: str):
    freeze_bob(town)
    push(town)
    plant(town, ALICE.record, b"hash")
    plant(town, getattr(SUSPENSE, place), b"set")
    before = town.dump()
    assert town.carrier.push(BACK)[0][1] == [Status.CORRUPT]
    assert town.dump() == before


def test_settlement_goes_on_without_an_entry_for_a_damaged_box(town: Town):
    pushed = town.carrier.push(THERE)
    plant(town, ALICE.box, b"hash")
    assert town.carrier.settle(THERE, pushed) == [[Status.OK, 0]]
    assert town.carrier.out(THERE).done == 2


def test_joining_goes_on_past_a_set_that_is_none(town: Town):
    tea = KEYS.of("#tea").partition
    town.post(b.join("j", "@bob", "#tea"))
    plant(town, BOB.joined, b"list")
    lane = (tea, BOB.partition)
    assert [result for _, result in town.carrier.push(lane)] == [[Status.SUSPENSE]]
    assert town.carrier.arrived(lane).last == 1


def test_call_with_a_leg_that_carries_nothing_cannot_lose_the_money(town: Town):
    """The last line of defence: a payer without a payee, and no leg that takes the money."""
    post = third()
    post.legs = tuple(
        out._replace(leg=type(out.leg)(out.leg.kind, out.leg.to, out.leg.who, out.leg.id))
        for out in post.legs
    )
    before = town.dump()
    with pytest.raises(redis.ResponseError, match="do not sum to zero"):
        town.client.execute_command(*pack_call([post]))
    assert town.dump() == before


def test_leg_to_a_damaged_room_goes_back(town: Town):
    town.post(b.join("j", "@bob", "#tea"))
    town.post(b.payment("s", "@alice", "@bob", 1, room="#tea"))
    plant(town, KEYS.of("#tea").box, b"hash")
    pushed = town.carrier.push((ALICE.partition, KEYS.of("#tea").partition))
    assert [result for _, result in pushed] == [[Status.RETURNED, b"%d" % Status.CORRUPT]]


def test_payee_whose_version_is_the_last_gets_no_more(town: Town):
    town.client.set(BOB.record, b.record(f"0 {MAX} USD 30 0"))
    assert push(town) == [Status.RETURNED, b"%d" % Status.CORRUPT]


@pytest.mark.parametrize("full", [f"0 {MAX} USD 1 0", f"0 1 USD {MAX - 4} 0"])
def test_full_suspense_keeps_the_return(town: Town, full: str):
    freeze_bob(town)
    push(town)
    plant(town, ALICE.record, b"hash")
    town.client.set(SUSPENSE.record, b.record(full))
    before = town.dump()
    assert town.carrier.push(BACK)[0][1] == [Status.CORRUPT]
    assert town.dump() == before


@pytest.mark.parametrize("currency", ["usd", "\0\0\0"])
def test_leg_that_no_post_can_have_sent_stops_the_lane(town: Town, currency: str):
    stored = town.entries(OUTBOX)[-1]
    leg = read_leg(stored)[1]
    altered = Leg(leg.kind, leg.to, leg.who, leg.id, 5, currency, leg.body)
    town.client.lset(OUTBOX, -1, stored[:STAMP] + pack_leg(altered))
    before = town.dump()
    assert push(town) == [Status.CORRUPT]
    assert town.dump() == before


def test_account_that_was_made_an_issuer_cannot_send_money(town: Town):
    town.client.set(ALICE.record, b.record("4 1 USD 65 0"))
    refused_whole(town, third())
