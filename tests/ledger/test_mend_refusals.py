"""What a lane's mending refuses to guess, and what the audit makes of corrections. On a real store,
since the model cannot forget."""

from __future__ import annotations

from typing import Any

import pytest
import redis.asyncio

from server.ledger import mend_plan
from server.ledger.audit import audit
from server.ledger.corrections import CorrectionEntry
from server.ledger.lane_state import Fault, lane_names, look
from server.ledger.lanes import InLane, OutLane
from server.ledger.mend_plan import MendPlan, NotMendable, plan
from server.ledger.shelf import Shelf
from server.store.cluster_node import HOST
from tests.cluster import SharedCluster

from . import builders as b
from .carrier import Carrier
from .ledgers import ClusterLedger
from .losing import judged, lost_payments, mend, names
from .town import ALICE, BOB, KEYS, THERE, Town, far

OUT = KEYS.lane_out(ALICE.partition, str(BOB.partition))
OUTBOX = KEYS.outbox(ALICE.partition, str(BOB.partition))
IN = KEYS.lane_in(BOB.partition, str(ALICE.partition))


@pytest.fixture
def town(paid_town: Town) -> Town:
    return paid_town


# --- what must not be mended by rote ---


async def test_a_lane_in_order_and_one_never_used(town: Town, shelf: Shelf):
    before = town.dump()
    for lane in (THERE, (7, 8)):
        assert await plan(shelf, *lane) == MendPlan(lane)
    town.post(b.payment("moving", "@alice", "@bob", 10))
    state = await look(shelf, *THERE)
    assert (state.fault, state.waiting, state.in_transit) == (Fault.NONE, 1, {"USD": 10})
    assert state.oldest_at
    assert THERE in await lane_names(shelf)
    assert (7, 8) not in await lane_names(shelf)
    assert before != town.dump()


async def test_damage_is_named_and_not_mended(town: Town, shelf: Shelf):
    damaged = "the record of a lane is damaged"
    short = "its outbox holds 0 legs, not 1 to 1"
    for key, planted, why in ((OUT, b"x", damaged), (IN, b"x", damaged), (OUTBOX, None, short)):
        kept = town.client.dump(key)
        town.client.delete(key)
        if planted:
            town.client.set(key, planted)
            assert (await look(shelf, *THERE)).fault is Fault.DAMAGED
        with pytest.raises(NotMendable, match=why):
            await plan(shelf, *THERE)
        town.client.restore(key, 0, kept, replace=True)
    assert (await plan(shelf, *THERE)).fault is Fault.NONE


async def test_what_arrives_while_the_boxes_are_read_makes_the_plan_old(
    town: Town, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
):
    """A courier that stood still may still have legs that its source has lost."""
    lost_payments(town)
    find = mend_plan.lost_payments

    async def slowly(*arguments: Any) -> Any:
        arrived = InLane.parse(town.scalar(IN))
        arrived.last += 1
        town.client.set(IN, arrived.stored())
        return await find(*arguments)

    monkeypatch.setattr(mend_plan, "lost_payments", slowly)
    with pytest.raises(NotMendable, match="something arrives"):
        await plan(shelf, *THERE)


async def test_more_one_sided_payments_than_money_is_missing(town: Town, shelf: Shelf):
    """Then something else is wrong, too, and the books would be made to look right."""
    lost_payments(town)
    arrived = InLane.parse(town.scalar(IN))
    arrived.sums = {"USD": arrived.sums["USD"] - 1}
    town.client.set(IN, arrived.stored())
    with pytest.raises(NotMendable, match="more payments"):
        await plan(shelf, *THERE)


async def test_ends_that_differ_the_other_way(town: Town, shelf: Shelf):
    lost_payments(town)
    out = town.carrier.out(THERE)
    out.sums = {"USD": out.sums["USD"] + 100}
    town.client.set(OUT, out.stored())
    with pytest.raises(NotMendable, match="the other way in USD"):
        await plan(shelf, *THERE)


async def test_settled_legs_that_are_later_than_all_that_arrived(town: Town, shelf: Shelf):
    lost_payments(town)
    out = town.carrier.out(THERE)
    town.client.set(OUT, OutLane(out.sent, out.sent, out.first, out.sums).stored())
    with pytest.raises(NotMendable, match="clocks"):
        await plan(shelf, *THERE)


# --- the audit ---


async def test_a_correction_excuses_what_it_names_and_only_once(town: Town, shelf: Shelf):
    lost_payments(town)
    await mend(shelf)
    town.carrier.carry([THERE])
    assert (await judged(shelf)).findings == []
    (again,) = [one for one in town.entries(BOB.box) if b"lost1" in one]
    town.client.rpush(BOB.box, again)
    assert [one for one in (await judged(shelf)).findings if "the payment lost1" in one]


async def test_a_correction_in_a_box_of_somebody_is_misplaced(town: Town, shelf: Shelf):
    wrong = b.encode_entry(CorrectionEntry("p1", "@alice", "@bob", "0>1"))
    town.client.rpush(ALICE.box, b"%013d" % 1 + wrong)
    assert any("belongs into another box" in one for one in (await judged(shelf)).findings)


async def test_on_a_cluster(session_cluster: SharedCluster, cluster_client: redis.RedisCluster):
    ledger = ClusterLedger(cluster_client, KEYS)
    carrier = Carrier(ledger)
    for post in (b.register("r", "@alice", 100), b.register("r", "@bob")):
        ledger.apply([far(post)])
    leg = far(b.payment("lost", "@alice", "@bob", 30))
    ledger.apply([leg])
    carrier.push(THERE)
    for key in (OUT, OUTBOX, ALICE.marks + b"lost"):
        cluster_client.delete(key)
    cluster_client.rpop(ALICE.box)
    cluster_client.set(ALICE.record, b.record("0 1 USD 100 0"))
    ports = [node.port for node in session_cluster.nodes]
    nodes = [redis.asyncio.cluster.ClusterNode(HOST, port) for port in ports]
    async with redis.asyncio.RedisCluster(startup_nodes=nodes) as client:
        shelf = Shelf(client, KEYS)
        assert (await look(shelf, *THERE)).fault is Fault.SOURCE_LOST
        assert abs(await shelf.now(0) - await shelf.now(5)) < 60_000
        assert names(await mend(shelf)) == [("lost", "@alice", "@bob", (30, "USD"))]
        report = await audit(client, KEYS)
    assert (report.findings, report.lost) == ([], {"USD": 30})


def test_a_plan_of_many_corrections_keeps_each_call_short(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mend_plan, "CORRECTIONS_MAX", 2)
    some = [CorrectionEntry(f"{n}", "@alice", "@bob", "0>1", 1, "USD") for n in range(5)]
    made = MendPlan(THERE, Fault.SOURCE_LOST, 3, 20, 0, some, [], 3)
    steps = [post.extra for post, _ in made.posts(KEYS)]
    assert [(one.before, one.number, len(one.bodies)) for one in steps] == [
        (3, 4, 2),
        (4, 5, 2),
        (5, 20, 1),
    ]
