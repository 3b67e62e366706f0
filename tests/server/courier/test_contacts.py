"""What is asked of other partitions before a post, and who waits for the answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from server.people import contacts as module
from server.store.connection import Lost
from tests.server.courier.conftest import ALICE, BOB, World, balance, entry, name_in
from tests.support import Client, until

CAROL = name_in(0, "carol")
"""In Alice's own partition."""


class Silence:
    """Holds back a hub's ordered reads of a partition, as if it were slow to answer."""

    def __init__(self, world: World, partition: int) -> None:
        self._pipeline = world.first.app.services.pipelines[partition]
        self._read = self._pipeline.read
        self.held: list[Any] = []
        self._pipeline.read = lambda *call: self.held.append(call)  # type: ignore[method-assign]

    def end(self) -> None:
        """Send what was held back, and everything from now on."""
        self._pipeline.read = self._read  # type: ignore[method-assign]
        for call in self.held:
            self._read(*call)


async def people(world: World) -> tuple[Client, Client, Client]:
    names = (ALICE, BOB, CAROL)
    alice, bob, carol = [await world.first.register(name[1:]) for name in names]
    return alice, bob, carol


async def test_later_posts_of_a_connection_wait_and_others_do_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_S", 60.0)
    alice, _, carol = await people(world)
    phone = await world.first.login(ALICE[1:])
    silence = Silence(world, 1)
    await alice.send({"type": "message", "id": "a1", "to": BOB, "text": "one"})
    await alice.send({"type": "message", "id": "a2", "to": CAROL, "text": "two"})
    await alice.send({"type": "message", "id": "a3", "to": BOB, "text": "three"})
    await until(lambda: len(silence.held) == 2)
    assert (await carol.ask("message", id="c", to=ALICE, text="I am quicker"))["type"] == "ack"
    assert (await phone.ask("message", id="p", to=CAROL, text="so am I"))["type"] == "ack"
    silence.end()
    acks = [await alice.answer(id) for id in ("a1", "a2", "a3")]
    assert [ack["seq"] for ack in acks] == [4, 5, 6]
    assert not world.first.app.services.contacts.parked


async def test_a_partition_that_does_not_answer_is_busy_and_nothing_happened(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob, _ = await people(world)
    silence = Silence(world, 1)
    pay = {"to": BOB, "amount": 250, "currency": "USD"}
    with monkeypatch.context() as hasty:
        hasty.setattr(module, "ANSWER_S", 0.05)
        await alice.send({"type": "payment", "id": "p", **pay})
        await alice.send({"type": "message", "id": "m", "to": CAROL, "text": "behind it"})
        answer = await alice.answer("p")
    assert (answer["code"], answer["retry"]) == ("busy", "same_id")
    assert (await alice.answer("m"))["seq"] == 2  # nobody waits for what was given up
    silence.end()  # the late answer changes nothing
    await asyncio.sleep(0.05)
    assert (await alice.ask("status", of="p"))["outcome"] == "unknown"
    assert await balance(alice) == 10_000
    assert (await alice.ask("payment", id="p", **pay))["state"] == "accepted"
    assert (await entry(bob, "p"))["balance"]["available"] == 10_250


async def test_so_many_posts_may_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_S", 60.0)
    monkeypatch.setattr(module, "PARKED_MAX", 2)
    alice, _, _ = await people(world)
    silence = Silence(world, 1)
    for n in range(3):
        await alice.send({"type": "message", "id": f"m{n}", "to": BOB, "text": "x"})
    answer = await alice.answer("m2")
    assert (answer["code"], answer["retry"]) == ("busy", "same_id")
    silence.end()
    assert [(await alice.answer(f"m{n}"))["type"] for n in range(2)] == ["ack", "ack"]


async def test_who_is_there_is_asked_once_and_who_is_not_each_time(world: World) -> None:
    alice, _, _ = await people(world)
    contacts = world.first.app.services.contacts
    for n in range(3):
        await alice.ask("message", id=f"m{n}", to=BOB, text="x")
    assert contacts.asked == 1
    dora = name_in(1, "dora")
    for _ in range(2):
        assert (await alice.ask("message", to=dora, text="x"))["code"] == "unknown_account"
    assert contacts.asked == 3
    await world.second.register(dora[1:])
    assert (await alice.ask("message", to=dora, text="x"))["type"] == "ack"


async def test_what_is_remembered_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KNOWN_MAX", 2)
    alice, _, _ = await people(world)
    for n in range(4):
        name = name_in(1, f"d{n}x")
        await world.first.register(name[1:])
        assert (await alice.ask("message", to=name, text="x"))["type"] == "ack"
    assert len(world.first.app.services.contacts._known) == 2


async def test_a_post_of_one_who_left_is_still_posted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_S", 60.0)
    alice, bob, _ = await people(world)
    silence = Silence(world, 1)
    await alice.send({"type": "message", "id": "m", "to": BOB, "text": "last words"})
    await until(lambda: silence.held)
    world.first.kill_connections_of(ALICE)
    silence.end()
    assert (await entry(bob, "m"))["text"] == "last words"


async def test_a_partition_that_is_gone_is_unavailable_at_once(world: World) -> None:
    alice, _, _ = await people(world)
    silence = Silence(world, 1)
    await alice.send({"type": "message", "id": "m", "to": BOB, "text": "x"})
    await until(lambda: silence.held)
    ((_, answered),) = silence.held
    answered([Lost()])
    answer = await alice.answer("m")
    assert (answer["code"], answer["retry"]) == ("unavailable", "same_id")
    assert not world.first.app.services.contacts.parked


async def test_what_does_not_answer_because_it_is_gone_is_not_busy(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, _, _ = await people(world)
    monkeypatch.setattr(module, "ANSWER_S", 0.05)
    Silence(world, 1)
    services = world.first.app.services

    class Gone:
        up = False

    channel = services.channel
    monkeypatch.setattr(services, "channel", lambda n: Gone if n == 1 else channel(n))
    await alice.send({"type": "message", "id": "m", "to": BOB, "text": "x"})
    assert (await alice.answer("m"))["code"] == "unavailable"


async def test_a_no_that_an_earlier_post_makes_a_yes_is_asked_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever joins a room and shows a payment there at once, without waiting for the ack."""
    monkeypatch.setattr(module, "ANSWER_S", 60.0)
    alice, bob, _ = await people(world)
    room = name_in(1, "tea", "#")
    await bob.ask("create", room=room)
    silence = Silence(world, 0)  # which is asked whether she may join one more
    pay = {"to": BOB, "amount": 250, "currency": "USD", "room": room}
    await alice.send({"type": "join", "id": "j", "room": room})
    await alice.send({"type": "payment", "id": "p", **pay})
    parked = world.first.app.services.contacts.parked
    await until(lambda: any(len(queue) == 2 and queue[1].answers for queue in parked.values()))
    silence.end()
    assert (await alice.answer("j"))["type"] == "ack"
    assert (await alice.answer("p")).get("state") == "accepted"
    assert (await entry(bob, "p"))["room"] == room


async def test_a_no_that_stays_one_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_S", 60.0)
    alice, bob, _ = await people(world)
    room = name_in(1, "tea", "#")
    await bob.ask("create", room=room)
    silence = Silence(world, 2)
    dora = name_in(2, "dora")
    pay = {"to": BOB, "amount": 250, "currency": "USD", "room": room}
    await alice.send({"type": "message", "id": "m", "to": dora, "text": "who is not there"})
    await alice.send({"type": "payment", "id": "p", **pay})
    await until(lambda: silence.held)
    silence.end()
    assert (await alice.answer("m"))["code"] == "unknown_account"
    assert (await alice.answer("p"))["code"] == "not_a_member"
    assert await balance(alice) == 10_000
    assert not world.first.app.services.contacts.parked
