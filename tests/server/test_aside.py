"""What is no message stands aside for those who talk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial

import pytest

from protocol.errors import Close
from server.edge import aside as module
from server.edge import keepalive, transport
from server.edge.aside import SLICE_S, Aside
from server.entering.turnstile import SYNCS_MAX
from tests.conformance.wire import HANDSHAKE
from tests.hostile.raw import Raw, raw
from tests.server.outages import hold_replies, link_of
from tests.support import Client, Hub, until

STORM = 100
TURNS = 50
"""Turns of the loop in which a slice would come round if nothing rested."""


@pytest.fixture
def no_rest_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever rests does so for longer than a test takes."""
    monkeypatch.setattr(module, "RESTS", 1_000_000)


@pytest.fixture
def done() -> list[int]:
    """What was done, in its order."""
    return []


def put_many(aside: Aside, done: list[int]) -> None:
    """A hundred pieces of work, each of which fills a slice."""
    for n in range(100):
        aside.put(partial(done.append, n), SLICE_S)


async def turns(number: int = TURNS) -> None:
    """So many turns of the loop."""
    for _ in range(number):
        await asyncio.sleep(0)


async def test_a_slice_is_followed_by_a_rest_while_somebody_talks(
    done: list[int], no_rest_ends: None
) -> None:
    put_many(Aside(talking=lambda: True), done)
    await turns()
    assert done == [0]


async def test_in_each_turn_there_is_one_slice_while_nobody_talks(
    done: list[int], no_rest_ends: None
) -> None:
    aside = Aside(talking=lambda: False)
    put_many(aside, done)
    assert done == []
    for before in range(100):
        assert len(done) <= before
        await asyncio.sleep(0)
    await until(lambda: len(done) == 100)
    assert done == list(range(100))
    assert len(aside.waiting) == 0


async def test_the_rest_is_kept_also_by_those_who_come_one_by_one(
    done: list[int], no_rest_ends: None
) -> None:
    aside = Aside(talking=lambda: True)
    for n in range(10):
        aside.put(partial(done.append, n), SLICE_S / 2)
        await turns()
    assert done == [0, 1]


async def test_after_the_rest_it_goes_on(done: list[int]) -> None:
    put_many(Aside(talking=lambda: True), done)
    await until(lambda: len(done) == 100)
    assert done == list(range(100))


async def test_what_comes_alone_is_done_at_once(done: list[int]) -> None:
    aside = Aside(talking=lambda: True)
    assert aside.at_once(partial(done.append, 1))
    assert done == [1]
    aside.put(partial(done.append, 2))
    assert not aside.at_once(partial(done.append, 3))
    await until(lambda: done == [1, 2])


async def test_what_is_done_at_once_is_followed_by_a_rest_too(
    done: list[int], no_rest_ends: None
) -> None:
    aside = Aside(talking=lambda: True)
    aside._left_s = 1e-9
    assert aside.at_once(partial(done.append, 1))
    assert not aside.at_once(partial(done.append, 2))
    aside.put(partial(done.append, 3))
    await turns()
    assert done == [1]


async def test_one_mistake_costs_the_others_nothing(done: list[int]) -> None:
    aside = Aside()

    def fail() -> None:
        raise RuntimeError("on purpose")

    aside.put(fail)
    aside.put(partial(done.append, 1))
    await until(lambda: done == [1])


# At a hub.


@pytest.fixture
async def storm(hub: Hub) -> AsyncIterator[list[Raw]]:
    """Connections that have sent nothing yet."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(raw(hub, False)) for _ in range(STORM)]


@pytest.fixture
async def alice(hub: Hub, storm: list[Raw]) -> Client:
    """@alice, who is there, as @bob is."""
    await hub.register("bob")
    return await hub.register("alice")


async def hold(hub: Hub, alice: Client, patch: pytest.MonkeyPatch) -> None:
    """@alice's message waits for the store; the rest that begins now does not end before."""
    aside = hub.app.services.aside
    await until(lambda: not aside._awake)
    hold_replies(hub)
    await alice.send({"type": "message", "id": "m", "to": "@bob", "text": "hi"})
    await until(aside.talking)
    patch.setattr(module, "RESTS", 1_000_000)
    aside._left_s = 1e-9


async def go_on(hub: Hub, alice: Client) -> None:
    """The store's replies are read again, and @alice gets hers."""
    link_of(hub).wire.transport.resume_reading()  # type: ignore[union-attr]
    assert (await alice.answer("m"))["type"] == "ack"


async def test_requests_are_read_after_those_who_talk_had_their_answers(
    hub: Hub, storm: list[Raw], alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hold(hub, alice, monkeypatch)
    for client in storm:
        client.send(HANDSHAKE)
    aside = hub.app.services.aside
    await until(lambda: len(aside.waiting) == STORM - 1)  # the first began the rest
    await go_on(hub, alice)
    assert len(aside.waiting) == STORM - 1


async def test_a_request_that_waits_to_be_read_is_not_late(
    hub: Hub, storm: list[Raw], alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hold(hub, alice, monkeypatch)
    aside, connections = hub.app.services.aside, hub.app.edge.connections
    silent, *others = storm
    for client in others:
        client.send(HANDSHAKE)
    await until(lambda: len(aside.waiting) == STORM - 2)
    monkeypatch.setattr(transport, "AGAIN_S", 0.01)
    for connection in list(connections):
        if connection.guest is None:
            connection._stop_timer()
            connection._unread()
    assert await silent.rest() == b""
    assert len(connections) == STORM - 1 + 2
    await go_on(hub, alice)
    aside._slice()
    monkeypatch.setattr(module, "RESTS", 0)
    for client in others:
        assert (await client.head()).startswith("HTTP/1.1 101 ")


async def test_a_message_is_acked_before_those_who_came_before_it_are_in(
    hub: Hub, storm: list[Raw], alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A storm has said hello; then somebody talks; most of the storm comes in later."""
    aside, turnstile = hub.app.services.aside, hub.app.services.entrance.turnstile
    for client in storm:
        client.send(HANDSHAKE)
        await client.head()
    await until(lambda: not aside._awake)
    monkeypatch.setattr(module, "RESTS", 1_000_000)
    monkeypatch.setattr(aside, "talking", lambda: True)
    token = alice.welcome["token"]
    for client in storm:
        client.send_frame({"type": "hello", "id": "h", "token": token})
    await until(lambda: len(turnstile.waiting) > STORM - SYNCS_MAX)
    assert (await alice.ask("message", to="@bob", text="hi"))["type"] == "ack"
    assert len(hub.app.services.hub.parties["@alice"].listeners) <= SYNCS_MAX
    assert len(turnstile.waiting) > STORM - SYNCS_MAX


async def test_whoever_waits_to_come_in_is_not_late(
    hub: Hub, storm: list[Raw], alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "AGAIN_S", 0.01)
    turnstile = hub.app.services.entrance.turnstile
    monkeypatch.setattr(turnstile, "_most", 0)
    silent, patient = storm[:2]
    for client in (silent, patient):
        client.send(HANDSHAKE)
        await client.head()
    patient.send_frame({"type": "hello", "id": "h", "token": alice.welcome["token"]})
    await until(lambda: len(turnstile.waiting) == 1)
    peers = [one for one in hub.app.edge.connections if one.guest is not None]
    for connection in peers:
        if connection._timer is not None:
            connection._stop_timer()
            connection._nobody_came(connection.guest)  # type: ignore[arg-type]
    assert (await silent.closed())[0] == Close.LOGIN_TIMEOUT
    await asyncio.sleep(0.05)
    monkeypatch.setattr(turnstile, "_most", 1)
    turnstile.inside += 1
    turnstile.left()
    assert (await patient.answer("h"))["type"] == "welcome"


async def test_who_is_watched_is_asked_after_those_who_talk_had_their_answers(
    hub: Hub, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol = await hub.register("carol")
    await hold(hub, alice, monkeypatch)
    aside = hub.app.services.aside
    await carol.send({"type": "watch", "id": "w", "who": ["@bob"]})
    await until(lambda: len(aside.waiting) == 1)
    await go_on(hub, alice)
    assert len(aside.waiting) == 1
    aside._slice()
    assert (await carol.answer("w"))["online"] == ["@bob"]


async def test_while_comings_wait_the_whole_memory_is_not_searched(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[bool] = []
    monkeypatch.setattr(keepalive, "search", lambda connections, busy: told.append(busy))
    waiting = hub.app.services.aside.waiting
    waiting.append((lambda: None, 0.0))  # nobody wakes it
    await until(lambda: told[-1:] == [True])
    waiting.clear()
    await until(lambda: told[-1:] == [False])
