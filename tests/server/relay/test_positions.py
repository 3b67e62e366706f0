"""What the channel between the hubs lost is found by position."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Any

import pytest

from server.store.connection import Command, Lost
from tests.server.outages import break_link, resolve, signal_store
from tests.server.relay.conftest import MakeHubs
from tests.server.relay.watching import gaps, ids_until, receivers
from tests.support import Client, Hub, until

Frame = dict[str, Any]


async def test_an_entry_whose_publication_is_lost_is_found_by_the_round(
    make_hubs: MakeHubs, quick_rounds: None, lossy: Callable[[bool], None]
) -> None:
    first, second = await make_hubs(2, partitions=4)
    alice, bob = await first.register("alice"), await second.register("bob")
    await alice.ask("create", room="#tea")
    await bob.ask("join", room="#tea")
    lossy(True)
    for n in range(3):
        await alice.ask("message", id=f"m{n}", to="@bob", text="hi")
        await alice.ask("message", id=f"r{n}", to="#tea", text="hi")
    seen = [(await bob.receive())["id"] for _ in range(6)]
    assert [id for id in seen if id[0] == "m"] == ["m0", "m1", "m2"]
    assert [id for id in seen if id[0] == "r"] == ["r0", "r1", "r2"]
    assert gaps(second) >= 3  # what went to another partition, this hub's courier may have brought


async def test_the_next_entry_shows_that_one_was_lost(
    make_hubs: MakeHubs, lossy: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.telling.catchup.ROUND_S", 1_000.0)
    first, second = await make_hubs(2)
    alice, bob = await first.register("alice"), await second.register("bob")
    lossy(True)
    await alice.ask("message", id="lost", to="@bob", text="1")
    lossy(False)
    await alice.ask("message", id="next", to="@bob", text="2")
    assert await ids_until(bob, "next") == ["lost", "next"]
    assert gaps(second) == 1


async def test_ones_own_answer_waits_for_what_was_lost(
    make_hubs: MakeHubs, lossy: Callable[[bool], None]
) -> None:
    first, second = await make_hubs(2)
    alice, bob = await first.register("alice"), await second.register("bob")
    await alice.ask("create", room="#tea")
    await bob.ask("join", room="#tea")
    lossy(True)
    await alice.ask("message", id="lost", to="#tea", text="1")
    await bob.send({"type": "message", "id": "own", "to": "#tea", "text": "2"})
    seen = [await bob.receive() for _ in range(2)]
    assert [(one["type"], one["id"], one["seq"]) for one in seen] == [
        ("message", "lost", 3),
        ("ack", "own", 4),
    ]


async def test_a_replayed_ack_does_not_come_before_what_was_lost(
    make_hubs: MakeHubs, lossy: Callable[[bool], None]
) -> None:
    """Who took it for their cursor would never get what stands before it."""
    first, second = await make_hubs(2)
    phone, bob = await first.register("alice"), await first.register("bob")
    await bob.ask("create", room="#tea")
    await phone.ask("join", room="#tea")
    laptop = await second.login("alice")
    assert laptop.welcome["boxes"]["#tea"]["seq"] == 2
    lossy(True)
    await bob.ask("message", id="lost", to="#tea", text="1")
    frame = {"type": "message", "id": "m", "to": "#tea", "text": "2"}
    for device in (phone, laptop):
        await device.send(frame)
        assert (await device.answer("m"))["seq"] == 4
    told = [(one["type"], one["seq"]) for one in laptop.pushed if one.get("box") == "#tea"]
    assert told == [("message", 3), ("message", 4)]


async def test_a_room_whose_joining_was_not_told_is_found(
    make_hubs: MakeHubs,
    quick_rounds: None,
    lossy: Callable[[bool], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("server.telling.catchup.DIFFERENCE_S", 0.3)
    first, second = await make_hubs(2)
    alice, phone = await first.register("alice"), await second.login("alice")
    lossy(True)
    await alice.ask("create", room="#tea")
    goodbye = await phone.until(lambda frame: frame["type"] == "goodbye")
    assert goodbye["reason"] == "resync"
    back = await second.hello(phone.welcome["token"], goodbye["cursors"])
    assert "#tea" in back.welcome["boxes"]


async def test_a_cut_connection_is_made_good_by_position(make_hubs: MakeHubs) -> None:
    first, second = await make_hubs(2, partitions=4)
    alice, bob = await first.register("alice"), await second.register("bob")
    await alice.ask("create", room="#tea")
    await bob.ask("join", room="#tea")
    for n in range(10):
        break_link(second)
        await alice.ask("message", id=f"m{n}", to="@bob", text="hi")
        await alice.ask("message", id=f"r{n}", to="#tea", text="hi")
        await until(lambda: second.app.services.stores.up)
    await resolve(bob, {"type": "message", "id": "end", "to": "@bob", "text": "end"})
    await until(lambda: second.app.services.hub.rooms["#tea"].seq == 12)
    seen: list[Frame] = list(bob.pushed)
    bob.pushed.clear()
    while len([one for one in seen if one["id"][0] in "mr"]) < 20:
        seen.append(await bob.receive())
    assert [one["id"] for one in seen if one["id"][0] == "m"] == [f"m{n}" for n in range(10)]
    assert [one["id"] for one in seen if one["id"][0] == "r"] == [f"r{n}" for n in range(10)]


@pytest.mark.parametrize("differing", [False, True])
async def test_a_comparison_that_a_cut_ends_finds_nothing(hub: Hub, differing: bool) -> None:
    """What was lost is no difference; and who differed before cannot be asked about now."""
    await hub.register("alice")
    services = hub.app.services
    catch_up, parties = services.catch_up, list(services.hub.parties.values())
    asked: list[list[Command]] = []
    taken: list[list[object]] = []
    pipeline = services.pipeline_of(0)
    read_ahead = pipeline.read_ahead

    def note(commands: list[Command], callback: Callable[[list[object]], None]) -> None:
        def take(replies: list[object]) -> None:
            callback(replies)
            taken.append(replies)

        asked.append(commands)
        read_ahead(commands, take)

    if differing:
        catch_up._differing = dict.fromkeys(parties, 0.0)
    pipeline.read_ahead = note  # type: ignore[method-assign]
    catch_up._counts(0, parties)
    pipeline.read_ahead = read_ahead if differing else note  # type: ignore[method-assign]
    break_link(hub)
    await until(lambda: not services.stores.up)
    assert [type(reply) for replies in taken for reply in replies] == [Lost]
    assert len(asked) == 1


async def test_after_a_cut_the_hub_hears_the_others_again(make_hubs: MakeHubs) -> None:
    first, second = await make_hubs(2, partitions=4)
    alice, bob = await first.register("alice"), await second.register("bob")
    break_link(second)
    await until(lambda: not second.app.services.stores.up)
    await until(lambda: second.app.services.stores.up)
    assert await receivers(first, "@bob") == 1
    await alice.ask("message", id="m", to="@bob", text="hi")
    assert (await bob.until(lambda frame: frame.get("id") == "m"))["box"] == "@bob"
    assert gaps(second) == 0


async def test_a_store_that_starts_again_under_load_costs_nobody_an_entry(
    make_hubs: MakeHubs,
) -> None:
    hubs = await make_hubs(2, partitions=4)
    people = [await hubs[n % 2].register(f"p{n}") for n in range(4)]
    await people[0].ask("create", room="#tea")
    for one in people[1:]:
        await one.ask("join", room="#tea")
    watchers = [await hub.login("p0") for hub in hubs]

    async def chat(one: Client, name: str) -> None:
        for n in range(15):
            frame = {"type": "message", "id": f"{name}-{n}", "to": "#tea", "text": "x"}
            assert (await resolve(one, frame))["type"] == "ack"

    talk = asyncio.gather(*(chat(one, f"p{n}") for n, one in enumerate(people)))
    for _ in range(2):
        await asyncio.sleep(0.1)
        signal_store(hubs[0], signal.SIGKILL)
        await until(lambda: not hubs[1].app.services.stores.up)
        await until(lambda: all(hub.app.services.stores.up for hub in hubs))
    await talk
    for watcher in watchers:
        seqs: list[int] = []
        while not seqs or seqs[-1] < 64:
            seqs.append((await watcher.until(lambda frame: frame.get("box") == "#tea"))["seq"])
        assert seqs == list(range(5, 65))


async def test_what_is_stored_but_less_safely_than_asked_is_told_by_a_hub_alone(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sender is told that the outcome is unknown; no other hub and no round tells of it."""
    (hub,) = await make_hubs(1)
    alice, bob = await hub.register("alice"), await hub.register("bob")
    hub.app.services.promise.servers["one that lost its replica"] = "replica"
    monkeypatch.setattr("server.commit.durability.WAIT_MS", 20)
    pay = {"id": "p", "to": "@bob", "amount": 5, "currency": "USD", "durable": "replica"}
    assert (await alice.ask("payment", **pay))["code"] == "outcome_unknown"
    assert (await bob.receive())["id"] == "p"
    assert (await alice.receive())["id"] == "p"


async def test_who_comes_back_while_the_hub_tidies_up_is_still_told(make_hubs: MakeHubs) -> None:
    first, second = await make_hubs(2)
    alice, bob = await first.register("alice"), await second.register("bob")
    relay, channel = second.app.services.relay, second.app.services.channel(0)
    await bob.close()
    await until(lambda: second.app.services.hub.find("@bob") is None)
    relay.tidy()  # notes that nobody listens
    relay.listen(["@bob"])  # but somebody is about to
    relay.tidy()
    await channel.request("PING")
    assert await receivers(first, "@bob") == 1
    relay.tidy()  # they did not come
    await channel.request("PING")
    assert await receivers(first, "@bob") == 0
    assert await alice.ask("message", id="m", to="@bob", text="hi")


async def test_a_mistake_does_not_end_the_rounds(
    make_hubs: MakeHubs,
    quick_rounds: None,
    lossy: Callable[[bool], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = await make_hubs(2)
    alice, bob = await first.register("alice"), await second.register("bob")
    mistakes: list[str] = []

    def fail() -> None:
        mistakes.append("tidy")
        raise RuntimeError("planted")

    monkeypatch.setattr(second.app.services.relay, "tidy", fail)
    await until(lambda: len(mistakes) > 1)
    monkeypatch.undo()
    monkeypatch.setattr("server.telling.catchup.ROUND_S", 0.2)
    lossy(True)
    await alice.ask("message", id="lost", to="@bob", text="1")
    assert (await bob.receive())["id"] == "lost"


async def test_a_mistake_does_not_make_a_hub_deaf(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.telling.hubs.BEAT_S", 0.05)
    first, second = await make_hubs(2)
    hubs = second.app.services.hubs
    mistakes: list[str] = []
    write = hubs._write

    async def fail() -> None:
        mistakes.append("write")
        if len(mistakes) == 1:
            raise RuntimeError("planted")
        await write()

    monkeypatch.setattr(hubs, "_write", fail)
    await until(lambda: len(mistakes) > 2)
    assert len(first.app.services.hubs.live) == 2
