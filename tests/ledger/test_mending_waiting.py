"""Money that waits for its payee while one side of a lane is lost and mended."""

from __future__ import annotations

import pytest

from protocol.frames import Accept, Decline
from server.ledger.mend_plan import NotMendable, plan
from server.ledger.offers import give_back, take
from server.ledger.shelf import Shelf
from server.ledger.status import Status
from server.ledger.waiting import Offer, parse_offer

from . import builders as b
from .carrier import Lane
from .losing import judged, keep, lose, mend, names, wait_for_another_ms
from .town import ALICE, BACK, BOB, KEYS, THERE, Town


@pytest.fixture
def town(paid_town: Town) -> Town:
    paid_town.carrier.asks = True
    return paid_town


def offers(town: Town) -> list[Offer]:
    return [parse_offer(name, value) for name, value in town.contents().get(BOB.offers, {}).items()]


async def mend_lane(shelf: Shelf, lane: Lane) -> None:
    for post, good in (await plan(shelf, *lane)).posts(KEYS):
        assert Status(int((await shelf.apply(post))[0])) in good


def carry(town: Town) -> None:
    for lane in (THERE, BACK) * 3:
        out, arrived = town.carrier.out(lane), town.carrier.arrived(lane)
        pushed = town.carrier.push(lane, max(out.first, min(out.done, arrived.last) + 1))
        town.carrier.settle(lane, pushed)


@pytest.mark.parametrize("end", ["declined", "accepted", "given back before"])
@pytest.mark.parametrize("lost", ["source", "end"])
async def test_the_books_are_whole_whatever_becomes_of_money_that_waited(
    town: Town, shelf: Shelf, end: str, lost: str
) -> None:
    at = ALICE if lost == "source" else BOB
    if lost == "end":
        town.carrier.keep = 0
    kept = keep(town, at.partition)
    town.post(b.payment("lost", "@alice", "@bob", 10))
    town.carrier.carry([THERE])
    if end == "given back before":
        town.post(b.decide(Decline, "d", "@bob", "@alice"))
        town.apply([give_back(KEYS, BOB, offer) for offer in offers(town)])
        town.carrier.carry([BACK])
    lose(town, at.partition, kept)
    wait_for_another_ms(town, THERE)
    town.post(b.payment("new", "@alice", "@bob", 5))
    await mend(shelf)
    await mend_lane(shelf, BACK)
    carry(town)
    decision = Accept if end == "accepted" else Decline
    town.post(b.decide(decision, "d2", "@bob", "@alice"))
    finish = take if decision is Accept else give_back
    for offer in offers(town):
        town.apply([finish(KEYS, BOB, offer)])
    carry(town)
    report = await judged(shelf)
    assert report.findings == []


async def test_a_lost_payment_that_is_sent_again_while_the_plan_is_made_is_named(
    paid_town: Town, shelf: Shelf
) -> None:
    """Clients do so: then both boxes look alike, and the plan would book a loss without a name."""
    town = paid_town
    kept = keep(town, ALICE.partition)
    town.post(b.payment("lost", "@alice", "@bob", 10))
    town.carrier.carry([THERE])
    lose(town, ALICE.partition, kept)
    wait_for_another_ms(town, THERE)
    again: list[object] = []

    def progress(done: int, of: int) -> None:
        if not again:
            again.append(town.post(b.payment("lost", "@alice", "@bob", 10)))

    with pytest.raises(NotMendable, match="sent again"):
        await plan(shelf, *THERE, progress)
    assert again
    made = await mend(shelf)
    assert [name for name, *_ in names(made)] == ["lost"]
    town.carrier.carry([THERE])
    assert (await judged(shelf)).findings == []
