"""Couriers that die, words that are lost, stores that go back: all arrives once, and in order."""

from __future__ import annotations

import asyncio

import pytest

from server.commit.outcomes import Result
from server.courier import lane as lane_module
from server.courier.courier import Courier, elected
from server.courier.ends import Near, Place
from server.courier.lane import Lane
from server.courier.outstanding import Outstanding, read_outstanding
from server.courier.ways import Ways
from server.ledger.lanes import InLane, OutLane
from server.ledger.legs import Leg, LegKind
from server.ledger.posts import Kind, Post
from server.ledger.status import Status
from tests.server.courier.conftest import (
    ALICE,
    BOB,
    KEYSPACE,
    PARTITIONS,
    World,
    balance,
    entry,
    name_in,
)
from tests.support import Client, Hub, until

PAY = {"to": BOB, "amount": 250, "currency": "USD"}
LANE = KEYSPACE.lane_out(0, "1")
LANE_END = KEYSPACE.lane_in(1, "0")


async def meet(world: World, hub: Hub | None = None) -> tuple[Client, Client]:
    """Alice at a hub, and Bob at the second."""
    alice = await (hub or world.first).register(ALICE[1:])
    return alice, await world.second.register(BOB[1:])


def hold(courier: Courier) -> None:
    """From now on this hub carries nothing, as if it died right after each commit."""
    courier._carry = lambda *leg: None  # type: ignore[method-assign]
    no_scans(courier)


def no_scans(courier: Courier) -> None:
    """From now on this hub hears of legs only by word."""
    courier._scan = _nothing  # type: ignore[method-assign]


async def _nothing() -> None:
    pass


async def lane_out(hub: Hub) -> OutLane:
    stored = await hub.app.services.channel(0).request("GET", LANE)
    return OutLane.parse(stored)  # type: ignore[arg-type]


async def test_a_word_wakes_the_courier_of_another_hub(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.courier.courier.OVERDUE_S", 3600.0)  # nobody stands in
    courier = world.courier_of(0)
    poster = world.other(courier)
    no_scans(courier.app.services.courier)
    alice, bob = await meet(world, poster)
    await alice.ask("payment", id="p", **PAY)
    assert (await entry(bob, "p"))["amount"] == 250
    await entry(alice, "p", "settled")
    assert courier.app.services.courier.lanes[0, 1].done == 1
    assert (0, 1) not in poster.app.services.courier.lanes
    await world.judge()


async def test_a_courier_that_does_nothing_is_stood_in_for(world: World) -> None:
    lazy = world.courier_of(0)
    hold(lazy.app.services.courier)
    lazy.app.services.courier.heard = lambda *word: None  # type: ignore[method-assign]
    alice, bob = await meet(world, world.other(lazy))
    await alice.ask("payment", id="p", **PAY)
    assert (await entry(bob, "p"))["amount"] == 250
    await entry(alice, "p", "settled")
    await world.judge()


async def test_what_a_dead_hub_left_is_found_by_the_next_one(world: World) -> None:
    """It committed, and died before it pushed anything, or told anybody."""
    source = world.courier_of(0)
    hold(source.app.services.courier)
    alice = await source.register(ALICE[1:])
    bob = await world.other(source).register(BOB[1:])
    ack = await alice.ask("payment", id="p", **PAY)
    await alice.ask("message", id="m", to=BOB, text="did you get it?")
    assert ack["state"] == "accepted"
    assert (await lane_out(source)).done == 0
    heir = world.other(source)
    for task in list(source.app._tasks):  # it is dead: it says nothing any more, not even goodbye
        task.cancel()
    heir.app.services.hubs._seen.clear()
    heir.app.services.courier.elect()
    assert [(await entry(bob, id))["id"] for id in ("p", "m")] == ["p", "m"]
    assert await balance(bob) == 10_250
    await until(lambda: heir.app.services.courier.lanes[0, 1].done == 2)
    await world.judge()


@pytest.mark.parametrize("kind", [Kind.ARRIVE, Kind.SETTLE])
async def test_an_answer_that_was_lost_is_found_out(
    world: World, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The leg arrived, or was settled, but the courier was not told."""
    answered = Lane.answered
    lost: list[Post] = []

    def lose_the_first(lane: Lane, post: Post, result: Result) -> None:
        if post.kind is kind and not lost:
            lost.append(post)
            lane.failed(post)
        else:
            answered(lane, post, result)

    monkeypatch.setattr(Lane, "answered", lose_the_first)
    alice, bob = await meet(world)
    for id in ("p1", "p2", "p3"):
        await alice.ask("payment", id=id, **PAY)
    assert [(await entry(alice, id, "settled"))["id"] for id in ("p1", "p2", "p3")]
    assert [(await entry(bob, id))["seq"] for id in ("p1", "p2", "p3")] == [2, 3, 4]
    assert len(lost) == 1
    await world.judge()


async def test_a_refused_legs_answer_that_was_lost_does_not_settle_the_payment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = Lane.answered
    lost: list[Post] = []

    def lose_the_first(lane: Lane, post: Post, result: Result) -> None:
        if result[0] == Status.RETURNED and not lost:
            lost.append(post)
            lane.failed(post)
        else:
            answered(lane, post, result)

    monkeypatch.setattr(Lane, "answered", lose_the_first)
    alice, _ = await meet(world)
    operator = await world.first.operator()
    await alice.ask("payment", id="p1", **PAY)
    await entry(alice, "p1", "settled")
    await operator.ask("freeze", who=BOB, frozen=True)
    await alice.ask("payment", id="p2", **PAY)
    assert (await entry(alice, "p2"))["type"] == "returned"
    assert len(lost) == 1
    await world.at_rest()
    page = await alice.ask("history", box=ALICE)
    kinds = [one["type"] for one in page["entries"] if one["id"] == "p2"]
    assert kinds == ["payment", "returned"]
    assert await balance(alice) == 9_750
    await world.judge()


async def test_two_couriers_at_once_carry_everything_once(world: World) -> None:
    everything = frozenset(range(PARTITIONS))
    for hub in world.hubs:
        courier = hub.app.services.courier
        courier.elect = lambda: None  # type: ignore[method-assign]
        courier.mine = everything
    alice, bob = await meet(world)
    phone = await world.second.login(ALICE[1:])
    for n in range(40):
        await alice.ask("payment", id=f"a{n}", **{**PAY, "amount": 1})
        await phone.ask("message", id=f"b{n}", to=BOB, text="and words")
    last = await alice.ask("message", id="last", to=BOB, text="that was it")
    assert last["type"] == "ack"
    seqs = []
    while True:
        frame = await bob.receive()
        if frame.get("from") == ALICE:
            seqs.append(frame["seq"])
        if frame.get("id") == "last":
            break
    assert seqs == list(range(2, 83))
    assert await balance(bob) == 10_040
    await world.judge()


async def test_what_comes_while_the_outbox_is_read_waits_for_the_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer may be older than what came meanwhile; to take it would be a step back."""
    read, read_now = asyncio.Event(), asyncio.Event()
    pushed: list[int] = []
    push = Near.push

    async def read_slowly(ways: Ways, source: int, dest: Place) -> Outstanding:
        found = await read_outstanding(ways, source, dest)
        if (source, dest) == (0, 1):
            read.set()
            await read_now.wait()
        return found

    def note(self: Near, lane: Lane, seq: int, stored: bytes, floor: int, behind: int) -> None:
        if lane.dest == 1:
            pushed.append(seq)
        push(self, lane, seq, stored, floor, behind)

    for hub in world.hubs:
        no_scans(hub.app.services.courier)
    alice, bob = await meet(world, world.courier_of(0))
    await alice.ask("payment", id="p1", **PAY)
    await entry(alice, "p1", "settled")
    await world.at_rest()
    monkeypatch.setattr(Near, "push", note)
    monkeypatch.setattr(lane_module, "read_outstanding", read_slowly)
    lane = world.courier_of(0).app.services.courier.lanes[0, 1]
    await until(lambda: lane._at_rest)
    lane.look()
    await read.wait()
    await alice.ask("payment", id="p2", **PAY)
    await alice.ask("payment", id="p3", **PAY)
    assert pushed == []
    read_now.set()
    assert [(await entry(bob, id))["seq"] for id in ("p1", "p2", "p3")] == [2, 3, 4]
    assert await entry(alice, "p3", "settled")
    assert pushed == [2, 3]
    await world.judge()


async def test_a_leg_whose_place_is_not_known_makes_the_lane_read_anew(world: World) -> None:
    alice, bob = await meet(world)
    await alice.ask("payment", id="p1", **PAY)
    await entry(alice, "p1", "settled")
    lane = world.courier_of(0).app.services.courier.lanes[0, 1]
    await until(lambda: lane._at_rest)
    lane._arriving += 1
    lane.arrived(lane.done + 1, Leg(LegKind.PERSON, BOB, ALICE, "p9"), [int(Status.OK)])
    lane.go()
    assert not lane._known
    await alice.ask("payment", id="p2", **PAY)
    assert (await entry(bob, "p2"))["seq"] == 3
    await entry(alice, "p2", "settled")
    await world.judge()


async def test_an_end_that_lost_its_last_moments_gets_them_again(world: World) -> None:
    """As after a failover to a replica that was a little behind."""
    alice, bob = await meet(world)
    channel = world.first.app.services.channel(1)
    keys = KEYSPACE.of(BOB)
    await alice.ask("payment", id="p1", **PAY)
    await entry(alice, "p1", "settled")
    before = [await channel.request("GET", key) for key in (keys.record, LANE_END)]
    await alice.ask("payment", id="p2", **PAY)
    await alice.ask("message", id="m", to=BOB, text="twice")
    await entry(alice, "p2", "settled")
    await world.at_rest()
    await bob.close()
    await channel.request("SET", keys.record, before[0])
    await channel.request("SET", LANE_END, before[1])
    await channel.request("LTRIM", keys.box, 0, 1)

    async def there() -> bool:
        return await channel.request("LLEN", keys.box) == 4

    await until(there)
    stored = await channel.request("GET", LANE_END)
    assert InLane.parse(stored).last == 3  # type: ignore[arg-type]
    bob = await world.second.login(BOB[1:])
    assert await balance(bob) == 10_500
    await world.judge()


async def test_a_source_that_lost_what_it_sent_stops_that_lane_and_no_other(world: World) -> None:
    alice, bob = await meet(world)
    channel = world.first.app.services.channel(0)
    await alice.ask("payment", id="p1", **PAY)
    await entry(alice, "p1", "settled")
    record = await channel.request("GET", LANE)
    await alice.ask("payment", id="p2", **PAY)
    await entry(alice, "p2", "settled")
    await channel.request("SET", LANE, record)
    await channel.request("RPOP", KEYSPACE.outbox(0, "1"))
    courier = world.courier_of(0).app.services.courier
    await until(lambda: courier.stopped == 1)
    assert "lost posts" in courier.lanes[0, 1].stopped
    await alice.ask("payment", id="p3", **PAY)
    carol = await world.second.register(name_in(2, "carol")[1:])
    await alice.ask("payment", id="p4", **{**PAY, "to": name_in(2, "carol")})
    assert (await entry(carol, "p4"))["amount"] == 250
    await asyncio.sleep(0.7)  # longer than after which another hub would stand in
    assert await balance(bob) == 10_500
    assert not any(frame.get("id") == "p3" for frame in bob.pushed)


async def test_a_fork_that_was_overtaken_is_seen_by_the_leg(world: World) -> None:
    """The source went back and sent another leg under the same number, before anybody looked."""
    for hub in world.hubs:
        no_scans(hub.app.services.courier)
    alice, bob = await meet(world)
    channel = world.first.app.services.channel(0)
    await alice.ask("payment", id="p1", **PAY)
    await entry(alice, "p1", "settled")
    record = await channel.request("GET", LANE)
    await alice.ask("payment", id="p2", **PAY)
    await entry(alice, "p2", "settled")
    await channel.request("SET", LANE, record)
    await channel.request("RPOP", KEYSPACE.outbox(0, "1"))
    for hub in world.hubs:
        hub.app.services.courier.lanes.clear()
    await alice.ask("payment", id="p3", **PAY)
    courier = world.courier_of(0).app.services.courier
    await until(lambda: courier.stopped == 1)
    assert "LANE_FORKED" in courier.lanes[0, 1].stopped
    assert await balance(bob) == 10_500


async def test_only_the_share_of_a_hub_that_goes_is_elected_anew() -> None:
    hubs = [bytes([n]) * 8 for n in range(5)]
    before = {n: elected(n, hubs) for n in range(64)}
    assert set(before.values()) == set(hubs)
    after = {n: elected(n, hubs[:-1]) for n in range(64)}
    assert all(after[n] == hub for n, hub in before.items() if hub != hubs[-1])
    assert [elected(n, hubs[::-1]) for n in range(64)] == list(before.values())
