"""The audit over sixteen partitions: honest books pass, at rest and in motion, on one server and on
a cluster; each planted wrong is noticed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import redis
import redis.asyncio

from protocol.money import AMOUNT_MAX as MAX
from server.ledger.audit import AuditReport, audit
from server.ledger.lanes import InLane, OutLane
from server.ledger.legs import STAMP, Leg, pack_leg, read_leg
from server.store.cluster_node import HOST
from tests.cluster import SharedCluster

from . import builders as b
from .carrier import Carrier
from .ledgers import ClusterLedger
from .test_audit import HISTORY
from .town import ALICE, BACK, BOB, KEYS, TEA, THERE, Town, far

PAID = far(b.payment("p", "@alice", "@bob", 30))
OUT = KEYS.lane_out(ALICE.partition, str(BOB.partition))
OUTBOX = KEYS.outbox(ALICE.partition, str(BOB.partition))
IN = KEYS.lane_in(BOB.partition, str(ALICE.partition))


@pytest.fixture
def town(town_of_sixteen: Town) -> Town:
    """@alice paid @bob 30 USD, which arrived, 8 that came back, and 5 that are still on their way;
    he is a member of #tea."""
    town = town_of_sixteen
    town.post(b.join("j", "@bob", "#tea"))
    town.carrier.carry([(TEA.partition, BOB.partition)])
    town.apply([PAID])
    town.carrier.carry([THERE])
    town.post(b.freeze("f", "@bob"))
    town.post(b.payment("s", "@alice", "@bob", 8))
    town.carrier.carry([THERE])
    town.post(b.thaw("t", "@bob"))
    town.post(b.payment("q", "@alice", "@bob", 5))
    return town


@pytest.fixture
async def shelf(socket: str) -> AsyncIterator[redis.asyncio.Redis]:
    async with redis.asyncio.Redis(unix_socket_path=socket) as client:
        yield client


async def test_honest_books_in_motion(town: Town, shelf: redis.asyncio.Redis):
    report = await audit(shelf, KEYS)
    assert report.findings == []
    assert report.in_transit == {"USD": 5}
    assert report.circulation == {"USD": 100}
    assert report.payments == 4
    town.carrier.push(THERE)
    report = await audit(shelf, KEYS)
    assert (report.findings, report.in_transit) == ([], {})


async def test_money_on_its_way_back_is_in_transit(town: Town, shelf: redis.asyncio.Redis):
    town.post(b.freeze("f2", "@bob"))
    pushed = town.carrier.push(THERE)
    for _ in range(2):
        report = await audit(shelf, KEYS)
        assert (report.findings, report.in_transit) == ([], {"USD": 5})
        town.carrier.settle(THERE, pushed)
    town.carrier.carry([BACK])
    assert (await audit(shelf, KEYS)).in_transit == {}


async def test_suspense_has_its_books(town: Town, shelf: redis.asyncio.Redis):
    nobody = KEYS.partition_of("@nobody")
    town.post(b.payment("g", "@alice", "@nobody", 3))
    town.post(b.register("r", "@carol"))
    town.post(b.deposit("d", "@carol", MAX - 50))
    town.post(b.payment("q", "@carol", "@alice", MAX - 62))
    town.carrier.carry([(KEYS.partition_of("@carol"), ALICE.partition)])
    town.carrier.carry([(ALICE.partition, nobody)])
    assert town.money("@alice") == {"USD": MAX}
    report = await audit(shelf, KEYS)
    assert (report.findings, report.in_transit) == ([], {"USD": 5})
    town.client.set(KEYS.tag(ALICE.partition) + "a:$suspense", b.record("0 1 USD 4 0"))
    assert (await audit(shelf, KEYS)).findings == [
        "$suspense has 4 USD but its entries add up to 3"
    ]


async def test_honest_books_on_a_cluster(
    cluster_client: redis.RedisCluster, session_cluster: SharedCluster
):
    ledger = ClusterLedger(cluster_client, KEYS)
    carrier = Carrier(ledger)
    for post in map(far, HISTORY):
        assert ledger.apply([post])[1][0] == 0
        carrier.carry([(post.partition, int(out.dest)) for out in post.legs])
    ledger.apply([far(b.payment("last", "@alice", "@bob", 11))])
    async with redis.asyncio.RedisCluster(HOST, session_cluster.nodes[0].port) as client:
        report = await audit(client, KEYS)
    assert report.findings == []
    assert report.in_transit == {"USD": 11}
    assert report.circulation == {"EUR": 70, "USD": 1100}
    assert (report.rooms, report.payments) == (1, 9)


async def test_passes_while_legs_are_carried(town: Town, shelf: redis.asyncio.Redis):
    """Legs go, arrive, are refused, come back and are trimmed between all reads of the audit."""
    town.carrier.keep = 0
    moved = 0

    def move() -> None:
        nonlocal moved
        moved += 1
        n = moved
        town.post(b.payment(f"a{n}", "@alice", "@bob", 1, room="#tea"))
        town.post(b.payment(f"b{n}", "@bob", "@alice", 1))
        if n % 3 == 0:
            town.post(b.freeze(f"f{n}", "@bob"))
        town.carrier.push(THERE)
        town.carrier.carry([THERE, BACK, (ALICE.partition, TEA.partition)])
        town.post(b.thaw(f"t{n}", "@bob"))
        town.post(b.leave(f"l{n}", "@bob", "#tea"))
        town.post(b.join(f"j{n}", "@bob", "#tea"))
        town.carrier.carry([(TEA.partition, BOB.partition)])

    async def go_on() -> None:
        while True:
            await asyncio.sleep(0.01)  # long enough for the audit to go on meanwhile
            move()

    mover = asyncio.create_task(go_on())
    try:
        reports: list[AuditReport] = []
        while len(reports) < 3 or moved <= 3:
            reports.append(await audit(shelf, KEYS))
    finally:
        mover.cancel()
    assert [one for report in reports for one in report.findings] == []


Plant = Callable[[Town], object]


def _out(town: Town, **change: int) -> None:
    lane = OutLane.parse(town.scalar(OUT))
    for name, by in change.items():
        setattr(lane, name, getattr(lane, name) + by)
    town.client.set(OUT, lane.stored())


def _in(town: Town, last: int = 0, money: int = 0) -> None:
    lane = InLane.parse(town.scalar(IN))
    lane.last += last
    lane.sums["USD"] += money
    town.client.set(IN, lane.stored())


def _alter_leg(town: Town, amount: int) -> None:
    stored = town.entries(OUTBOX)[-1]
    leg = read_leg(stored)[1]
    altered = Leg(leg.kind, leg.to, leg.who, leg.id, amount, leg.currency, leg.body)
    town.client.lset(OUTBOX, -1, stored[:STAMP] + pack_leg(altered))


def _drop_credit(town: Town) -> None:
    """The lane goes on, but nothing comes of it."""
    arrived = InLane.parse(town.scalar(IN))
    arrived.last, arrived.at = arrived.last + 1, arrived.at + 1
    arrived.sums["USD"] += 5
    town.client.set(IN, arrived.stored())
    lane = OutLane.parse(town.scalar(OUT))
    lane.done += 1
    town.client.set(OUT, lane.stored())


def _double_credit(town: Town) -> None:
    town.client.rpush(BOB.box, town.entries(BOB.box)[0])
    town.client.set(BOB.record, b.record("0 2 USD 60 0"))


def _refund(town: Town) -> None:
    """Somebody thought that time was up: the payer has the money again, and so will the payee."""
    returned = town.entries(ALICE.box)[-2]
    assert b"returned" in returned
    assert returned.count(b"\xa1s\xa4from") == 1
    town.client.rpush(ALICE.box, returned.replace(b"\xa1s\xa4from", b"\xa1q\xa4from"))


LANE = f"the lane from partition {ALICE.partition} to {BOB.partition}"
ONE_SIDED = "stands in the box of @alice but not, or not as often, in that of @bob"
WRONGS: dict[str, tuple[Plant, str]] = {
    "credit dropped": (_drop_credit, f"the payment q of @alice {ONE_SIDED}"),
    "credit doubled": (
        _double_credit,
        "the payment p of @alice stands in the box of @bob but not, or not as often, "
        "in that of @alice",
    ),
    "refund on time-out": (_refund, "@alice has 65 USD but its entries add up to 73"),
    "arrived entry altered": (
        lambda t: t.client.lset(
            BOB.box, 0, t.entries(BOB.box)[0].replace(b"\xa6amount\x1e", b"\xa6amount\x1f")
        ),
        "the payment p of @alice stands in the box of @bob",
    ),
    "leg altered": (lambda t: _alter_leg(t, 6), f"{LANE} should carry 5 USD but its legs carry 6"),
    "leg gone": (lambda t: t.client.rpop(OUTBOX), f"{LANE} holds 2 legs, not 1 to 3"),
    "leg damaged": (lambda t: t.client.lset(OUTBOX, 0, "x"), f"{LANE}: a leg is damaged"),
    "outbox of a wrong type": (
        lambda t: (t.client.delete(OUTBOX), t.client.set(OUTBOX, "x")),
        f"{LANE}: its outbox is not a list",
    ),
    "record of a wrong type": (
        lambda t: (t.client.delete(OUT), t.client.rpush(OUT, "x")),
        f"{LANE}: a record of it has a wrong type",
    ),
    "record damaged": (lambda t: t.client.append(IN, "x"), f"{LANE}: the record of a lane"),
    "source lost what it sent": (
        lambda t: _in(t, last=2),
        f"{LANE} has lost legs at its source: 3 were sent, but 4 arrived",
    ),
    "end lost what it got": (
        lambda t: _in(t, last=-1),
        f"{LANE} has lost legs at its end: 2 are settled, but 1 arrived",
    ),
    "lane says more": (
        lambda t: _in(t, money=-1),
        f"{LANE} should carry 6 USD but its legs carry 5",
    ),
    "a box where it does not belong": (
        lambda t: t.client.rpush(KEYS.tag(0) + "m:@alice", "x"),
        KEYS.tag(0) + "m:@alice lies in a partition that is not its own",
    ),
    "mark that does not say accepted": (
        lambda t: t.client.setrange(PAID.mark, 16, b"\1"),
        "the duplicate mark of entry 2 of @alice says settled",
    ),
    "settled told to others": (
        lambda t: t.client.rpush(BOB.box, t.entries(ALICE.box)[2]),
        "entry 2 of @bob belongs into another box",
    ),
    "returned to others": (
        lambda t: t.client.rpush(BOB.box, t.entries(ALICE.box)[4]),
        "entry 2 of @bob belongs into another box",
    ),
    "member who did not join": (
        lambda t: t.client.srem(BOB.joined, "#tea"),
        "#tea counts @bob among its members, who did not join",
    ),
    "joined but no member": (
        lambda t: t.client.hdel(TEA.members, "@bob"),
        "@bob joined #tea, which does not count it among its members",
    ),
}


@pytest.mark.parametrize("name", WRONGS)
async def test_each_wrong_is_noticed(town: Town, shelf: redis.asyncio.Redis, name: str):
    plant, sentence = WRONGS[name]
    plant(town)
    before = town.dump()
    report = await audit(shelf, KEYS)
    assert [found for found in report.findings if found.startswith(sentence)], report.findings
    assert town.dump() == before
