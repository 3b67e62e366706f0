"""A partition that loses its last moments under running hubs: the lane stops, the operator sees it
and mends it by the command line, and the hubs go on by themselves."""

from __future__ import annotations

import asyncio

import pytest

from server.commands.lanes import OLD_MS, in_order
from server.commands.maintenance import opened_shelf
from server.courier.courier import Courier
from server.ledger.lane_state import Fault, LaneState
from server.ledger.lanes import InLane, OutLane
from server.ledger.mend_plan import plan
from server.ledger.status import Status
from tests.server.courier.conftest import (
    ALICE,
    BOB,
    KEYSPACE,
    World,
    balance,
    entry,
)
from tests.server.test_operator import teller
from tests.support import Client, until

PAY = {"to": BOB, "amount": 250, "currency": "USD"}
LANE, OUTBOX = KEYSPACE.lane_out(0, "1"), KEYSPACE.outbox(0, "1")


async def meet(world: World) -> tuple[Client, Client]:
    alice, bob = await world.first.register(ALICE[1:]), await world.second.register(BOB[1:])
    await alice.ask("payment", id="p1", **PAY)
    await entry(alice, "p1", "settled")
    await world.at_rest()
    return alice, bob


async def partition(world: World, number: int) -> dict[bytes, bytes]:
    """Every key of a partition of the running store, as it is."""
    channel = world.first.app.services.channel(number)
    keys, tag = await channel.request("KEYS", "{p*}*"), KEYSPACE.tag(number).encode()
    assert isinstance(keys, list)
    mine = [key for key in keys if key.startswith(tag)]
    values = [await channel.request("DUMP", key) for key in mine]
    return {key: value for key, value in zip(mine, values, strict=True) if isinstance(value, bytes)}


async def go_back(world: World, number: int, kept: dict[bytes, bytes]) -> None:
    """The partition is as it was: a replica took over that had not got all."""
    channel = world.first.app.services.channel(number)
    for key in await partition(world, number):
        await channel.request("DEL", key)
    for key, value in kept.items():
        # A hub may have noted meanwhile when a device that it holds was last there.
        await channel.request("RESTORE", key, 0, value, "REPLACE")


def couriers(world: World) -> list[Courier]:
    return [hub.app.services.courier for hub in world.hubs]


def stopped(world: World) -> int:
    return sum(courier.stopped for courier in couriers(world))


def where(world: World) -> tuple[str, ...]:
    return ("--data", str(world.first.data))


async def lost(world: World, alice: Client, bob: Client) -> Client:
    """The debit of p2 is lost, and p3 waits in a lane that has stopped. Alice, anew."""
    kept = await partition(world, 0)
    await alice.ask("payment", id="p2", **PAY)
    await entry(bob, "p2")
    await entry(alice, "p2", "settled")
    await world.at_rest()
    await alice.close()
    await go_back(world, 0, kept)
    alice = await world.first.login(ALICE[1:])
    await until(lambda: stopped(world) > 0)
    await alice.ask("payment", id="p3", **{**PAY, "amount": 40})
    return alice


async def test_a_lane_that_stopped_is_seen_and_mended_and_goes_on(world: World) -> None:
    alice, bob = await meet(world)
    alice = await lost(world, alice, bob)
    code, out, _ = await teller("admin", "lanes", *where(world))
    assert code == 1
    assert "lane 0 > 1: 1 leg not settled" in out
    assert "STOPPED: partition 0 has lost 1 leg that arrived in 1" in out
    assert "-2.10 USD between its ends" in out
    code, out, _ = await teller("doctor", *where(world))
    assert code == 1
    assert "FAIL  lane 0 > 1" in out

    code, dry, _ = await teller("admin", "mend-lane", "0", "1", *where(world))
    assert code == 0
    assert f"payment p2 of {ALICE} to {BOB}, 2.50 USD" in dry
    assert "$losses of partition 0 would owe 2.50 USD" in dry
    assert "Nothing was written" in dry
    assert stopped(world) > 0

    code, out, _ = await teller("admin", "mend-lane", "0", "1", "--yes", *where(world))
    assert (code, "It is mended." in out) == (0, True)
    assert (await entry(bob, "p3"))["amount"] == 40
    await entry(alice, "p3", "settled")
    await until(lambda: stopped(world) == 0)
    assert (await balance(alice), await balance(bob)) == (10_000 - 250 - 40, 10_000 + 500 + 40)
    report = await world.audit()
    assert (report.findings, report.lost, report.in_transit) == ([], {"USD": 250}, {})

    code, out, _ = await teller("admin", "mend-lane", "0", "1", "--yes", *where(world))
    assert (code, "nothing to mend" in out) == (0, True)
    code, out, _ = await teller("admin", "lanes", "--all", *where(world))
    assert (code, "lane 0 > 1: 0 legs not settled\n" in out) == (0, True)
    code, out, _ = await teller("admin", "audit", *where(world))
    assert (code, "owed by $losses: 2.50 USD" in out) == (0, True)


@pytest.mark.parametrize(
    ("ends", "complaint"),
    [(("0", "0"), "there is no lane"), (("0", "9"), "from 0 to 3"), (("0", "x"), "int")],
)
async def test_a_lane_that_cannot_be(world: World, ends: tuple[str, str], complaint: str) -> None:
    code, out, err = await teller("admin", "mend-lane", *ends, *where(world))
    assert code != 0
    assert complaint in out + err


async def test_a_damaged_lane_is_named_and_left_alone(world: World) -> None:
    await meet(world)
    await world.first.app.services.channel(0).request("SET", LANE, "damaged")
    code, out, _ = await teller("admin", "lanes", *where(world))
    assert (code, "STOPPED: the record of a lane is damaged" in out) == (1, True)
    code, _, err = await teller("admin", "mend-lane", "0", "1", "--yes", *where(world))
    assert code == 1
    assert "cannot be mended" in err


async def test_many_new_payments_do_not_slip_past_the_fork(world: World) -> None:
    """A courier that goes on by what it knew of the source would push the legs behind those that
    it takes for pushed already; the end would have them, and never those before."""
    alice, bob = await meet(world)
    for courier in couriers(world):
        courier._scan = _nothing  # type: ignore[method-assign]
    channel = world.first.app.services.channel(0)
    record, length = await channel.request("GET", LANE), await channel.request("LLEN", OUTBOX)
    assert isinstance(length, int)
    for id in ("p2", "p3"):
        await alice.ask("payment", id=id, **PAY)
        await entry(alice, id, "settled")
    await channel.request("SET", LANE, record)
    await channel.request("LTRIM", OUTBOX, 0, length - 1)
    for n in range(6):
        await alice.ask("payment", id=f"new{n}", **{**PAY, "amount": 1})
    await until(lambda: stopped(world) > 0)
    await asyncio.sleep(0.7)  # longer than after which another hub would stand in
    stored = await channel.request("GET", LANE)
    assert OutLane.parse(stored).done == 1  # type: ignore[arg-type]
    assert await balance(bob) == 10_000 + 3 * 250
    forks = [lane.stopped for courier in couriers(world) for lane in courier.lanes.values()]
    assert any(Status.LANE_FORKED.name in why or "have arrived" in why for why in forks)


async def test_a_new_connection_to_the_source_makes_its_lanes_read_anew(world: World) -> None:
    await meet(world)
    courier = world.courier_of(0).app.services.courier
    lane = courier.lanes[0, 1]
    await until(lambda: lane._at_rest and lane._known)
    courier.partition_up(1)
    assert lane._known
    courier.partition_up(0)
    assert not lane._known
    await until(lambda: lane._known)


async def test_a_hub_that_stopped_a_lane_that_another_carries_goes_on_too(world: World) -> None:
    alice, _ = await meet(world)
    courier = world.other(world.courier_of(0)).app.services.courier
    lane = courier.lane(0, 1)
    lane.stop("for the test")
    await until(lambda: lane._ends != ())  # it was looked at, and went on once more
    lane.stop("for the test")
    assert courier.stopped == 1
    await alice.ask("payment", id="p2", **PAY)
    await until(lambda: courier.stopped == 0)
    await world.judge()


async def test_a_lane_that_stopped_and_was_not_touched_stays_so(world: World) -> None:
    await meet(world)
    courier = world.courier_of(0).app.services.courier
    lane = courier.lanes[0, 1]
    arrived, out = InLane(1, 1, [], {"USD": 250}), OutLane(1, 1, 1, {"USD": 250})
    lane.observe(arrived, out)
    lane.stop("for the test")
    for _ in range(3):
        lane.observe(arrived, out)
        lane.observe(arrived, OutLane(2, 1, 1, {"USD": 300}))  # which waits
    assert lane.stopped
    lane.observe(arrived, OutLane(3, 2, 3, {"USD": 300}))
    assert not lane.stopped


def test_a_leg_that_waits_for_long_puts_its_lane_out_of_order() -> None:
    assert in_order(LaneState(0, 1), OLD_MS - 1)
    assert not in_order(LaneState(0, 1), OLD_MS)
    assert not in_order(LaneState(0, 1, Fault.DAMAGED), 0)


async def _nothing() -> None:
    pass


async def mend_now(world: World, source: int, dest: int) -> None:
    async with opened_shelf(world.first.data, None) as shelf:
        made = await plan(shelf, source, dest)
        for post, good in made.posts(shelf.keyspace):
            assert (await shelf.apply(post))[0] in good


async def test_a_lane_that_is_mended_before_the_hub_looked_at_it_goes_on(world: World) -> None:
    alice, bob = await meet(world)
    alice = await lost(world, alice, bob)
    await mend_now(world, 0, 1)
    await until(lambda: not stopped(world))
    await entry(bob, "p3")


async def test_a_lane_that_goes_on_between_two_steps_of_its_mending_goes_on_behind_the_last(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.ledger.mend_plan.CORRECTIONS_MAX", 1)
    alice, bob = await meet(world)
    kept = await partition(world, 0)
    for id in ("p2", "q2"):
        await alice.ask("payment", id=id, **PAY)
        await entry(bob, id)
        await entry(alice, id, "settled")
    await world.at_rest()
    await alice.close()
    await go_back(world, 0, kept)
    alice = await world.first.login(ALICE[1:])
    await until(lambda: stopped(world) > 0)
    await alice.ask("payment", id="p3", **PAY)
    lanes = [lane for one in couriers(world) for lane in one.lanes.values() if lane.stopped]
    again: list[str] = []
    for lane in lanes:
        monkeypatch.setattr(lane, "_log", Ear(again))
    async with opened_shelf(world.first.data, None) as shelf:
        made = await plan(shelf, 0, 1)
        first, second = made.posts(shelf.keyspace)
        assert (await shelf.apply(first[0]))[0] in first[1]
        await until(lambda: again)  # it went on, found the fork, and stopped anew
        assert (await shelf.apply(second[0]))[0] in second[1]
    await until(lambda: not stopped(world))
    await entry(bob, "p3")


class Ear:
    """Hears that a lane stops."""

    def __init__(self, heard: list[str]) -> None:
        self._heard = heard

    def error(self, event: str, **details: object) -> None:
        self._heard.append(event)

    def warning(self, event: str, **details: object) -> None:
        """Nothing of interest."""

    info = warning
