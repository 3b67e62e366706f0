"""Who is let in at the regions' door, and what becomes of questions when a link breaks."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.error import HTTPError

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus, NegotiationError

from protocol.frames import Message
from server.edge.handshake import LINK_SUBPROTOCOL
from server.ledger.entries import encode_entry, entry_of
from server.ledger.legs import Leg, LegKind, pack_leg, stamped
from server.ledger.status import Status
from server.regions.frames import (
    Answer,
    Arrive,
    Call,
    Challenge,
    Claim,
    Ends,
    Failed,
    Find,
    Hail,
    Home,
    Outcomes,
    Proof,
    Ready,
    decode_asked,
    decode_told,
    encode,
)
from server.regions.link import Link, Unreachable
from server.regions.places import Region
from server.regions.proof import proof_of
from tests.support import Hub, until

from .conftest import Earth, books, entry, kept_by

NONCE = bytes(32)
HAIL = Hail("us", "eu", 1, NONCE)
WORDS = encode_entry(entry_of(Message("m", "@alice", "hello"), "@bob"))
LEG = Leg(LegKind.PERSON, "@alice", "@bob", "m", body=WORDS)


@asynccontextmanager
async def dialled(hub: Hub, **options: Any) -> AsyncIterator[ClientConnection]:
    url = hub.url.replace("/ws", "/region")
    async with connect(url, subprotocols=[LINK_SUBPROTOCOL], **options) as socket:
        yield socket


async def closed(socket: ClientConnection) -> int:
    """The code of the close that comes next."""
    with pytest.raises(ConnectionClosed) as caught:
        await asyncio.wait_for(socket.recv(), 10)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code


async def challenged(socket: ClientConnection, hail: Hail = HAIL) -> Challenge:
    await socket.send(encode(hail))
    data = await socket.recv()
    assert isinstance(data, bytes)
    told = decode_told(data)
    assert isinstance(told, Challenge)
    return told


STRANGE: list[Any] = [
    Call(1, Find("@alice")),
    Proof(NONCE),
    Hail("mars", "eu", 1, NONCE),
    Hail("eu", "eu", 2, NONCE),
    Hail("us", "ap", 1, NONCE),
    Hail("us", "eu", 3, NONCE),
    b"nonsense",
    "text",
]


async def test_nobody_is_answered_who_has_not_proved_anything(earth: Earth) -> None:
    for said in STRANGE:
        async with dialled(earth["eu"]) as socket:
            await socket.send(said if isinstance(said, bytes | str) else encode(said))
            assert await closed(socket) == 1008, said


async def test_a_wrong_proof_is_none(earth: Earth) -> None:
    secret = earth.world("eu").places.secret
    for wrong in ("secret", "side", "nonce", "replayed", "region"):
        async with dialled(earth["eu"]) as socket:
            told = await challenged(socket)
            old = Hail("us", "eu", 1, b"1" * 32)
            proofs = {
                "secret": proof_of(b"x" * 32, "dials", HAIL, 2, told.nonce),
                "side": told.proof,
                "nonce": proof_of(secret, "dials", HAIL, 2, NONCE),
                "replayed": proof_of(secret, "dials", old, 2, told.nonce),
                "region": proof_of(secret, "dials", Hail("ap", "eu", 1, NONCE), 2, told.nonce),
            }
            await socket.send(encode(Proof(proofs[wrong])))
            assert await closed(socket) == 1008, wrong


@asynccontextmanager
async def let_in(earth: Earth) -> AsyncIterator[ClientConnection]:
    """A link of the region `us` to `eu`, by hand."""
    async with dialled(earth["eu"]) as socket:
        told = await challenged(socket)
        secret = earth.world("eu").places.secret
        assert told.proof == proof_of(secret, "answers", HAIL, 2, told.nonce)
        await socket.send(encode(Proof(proof_of(secret, "dials", HAIL, 2, told.nonce))))
        data = await socket.recv()
        assert isinstance(data, bytes)
        assert isinstance(decode_told(data), Ready)
        yield socket


async def ask(socket: ClientConnection, question: Any, number: int = 1) -> Any:
    await socket.send(encode(Call(number, question)))
    data = await socket.recv()
    assert isinstance(data, bytes)
    told = decode_told(data)
    assert isinstance(told, Answer)
    assert told.number == number
    return told.reply


async def test_who_proves_the_secret_is_answered(earth: Earth) -> None:
    name = "@" + kept_by("eu", "name")
    async with let_in(earth) as socket:
        home = await ask(socket, Claim(name), 7)
        assert isinstance(home, Home)
        assert home.region == "us"
        found = await ask(socket, Find(name), 8)
        assert found.region == "us"


async def test_a_region_speaks_of_its_own_lanes_only(earth: Earth) -> None:
    leg = stamped(1, pack_leg(LEG))
    async with let_in(earth) as socket:
        for source in ("ap.0", "0", "us", "us.x", ""):
            assert isinstance(await ask(socket, Arrive(source, 0, 0, 1, [leg])), Failed)
            assert isinstance(await ask(socket, Ends([(source, 0)])), Failed)
        for dest in (2, -1):
            assert isinstance(await ask(socket, Arrive("us.0", dest, 0, 1, [leg])), Failed)
            assert isinstance(await ask(socket, Ends([("us.0", dest)])), Failed)
    assert (await books(earth["eu"])).come == {}


async def test_a_leg_that_does_not_belong_there_changes_nothing(earth: Earth) -> None:
    await earth["eu"].register("alice")
    here = earth["eu"].app.services.keyspace.partition_of("@alice")
    good = stamped(1, pack_leg(LEG))
    async with let_in(earth) as socket:
        for dest, stored in [(1 - here, good), (here, b"damaged")]:
            told = await ask(socket, Arrive("us.0", dest, 0, 1, [stored]))
            assert isinstance(told, Outcomes)
            assert told.legs == [(Status.CORRUPT, b"")]
        assert (await books(earth["eu"])).come == {}
        told = await ask(socket, Arrive("us.0", here, 0, 1, [good, b"damaged", good]))
        assert [status for status, _ in told.legs] == [Status.OK, Status.CORRUPT]


async def test_the_two_doors_are_apart(earth: Earth) -> None:
    hub = earth["eu"]
    with pytest.raises(InvalidStatus) as caught:
        await connect(hub.url, subprotocols=[LINK_SUBPROTOCOL])
    assert caught.value.response.status_code == 400
    for offered in ([], ["teller.v1.json"]):
        with pytest.raises(InvalidStatus) as caught:
            await connect(hub.url.replace("/ws", "/region"), subprotocols=offered)
        assert caught.value.response.status_code == 400


async def test_a_hub_without_regions_has_no_such_door(hub: Hub) -> None:
    def get() -> int:
        try:
            with urllib.request.urlopen(f"{hub.http}/region", timeout=10) as page:
                return int(page.status)
        except HTTPError as error:
            return error.code

    assert await asyncio.to_thread(get) == 404
    with pytest.raises((InvalidStatus, NegotiationError)):
        await connect(hub.url, subprotocols=[LINK_SUBPROTOCOL])


async def test_large_messages_pass_that_a_client_may_not_send(earth: Earth) -> None:
    async with let_in(earth) as socket:
        told = await ask(socket, Find("@" + "x" * 300_000))
        assert told.region == ""


async def test_questions_end_with_the_link_and_it_comes_back(earth: Earth) -> None:
    link = earth.world("eu").links["us"]
    losses = link.losses
    earth.cut("eu", "us", abort_after=None)
    asked = [link.send(Find("@nobody")) for _ in range(3)]
    earth.kill("eu", "us")
    for one in asked:
        with pytest.raises(Unreachable):
            await one
    assert link.losses == losses + 1
    with pytest.raises(Unreachable):
        await link.ask(Find("@nobody"))
    earth.heal("eu", "us")
    await earth.joined()
    assert isinstance(await link.ask(Find("@nobody")), Home)


async def test_a_link_whose_answers_are_overdue_is_broken(
    earth: Earth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.regions.link.WATCH_S", 0.02)
    earth.kill("eu", "us")
    await until(lambda: not earth.world("eu").links["us"].up)
    await earth.joined()
    answers = earth.world("us").answers
    right = answers[Find]

    async def never(region: str, question: Find) -> Home:
        await asyncio.Event().wait()
        raise AssertionError

    answers[Find] = never
    link = earth.world("eu").links["us"]
    with monkeypatch.context() as hasty:
        hasty.setattr("server.regions.link.ANSWER_TIMEOUT_S", 0.2)
        with pytest.raises(Unreachable):
            await link.ask(Find("@nobody"))
    answers[Find] = right
    await earth.joined()
    alice = await earth["eu"].register("alice")
    assert (await alice.ask("message", id="m", to="@alice", text="on"))["type"] == "ack"


async def test_a_mistake_in_one_answer_costs_nobody_else(earth: Earth) -> None:
    alice, bob = await earth["eu"].register("alice"), await earth["us"].register("bob")
    link = earth.world("eu").links["us"]
    with pytest.raises(Unreachable, match="could not tell"):
        await link.ask(Ends([("nonsense", 0)]))
    assert link.up
    await alice.ask("message", id="m", to="@bob", text="hello")
    assert (await entry(bob, "m"))["text"] == "hello"


@pytest.mark.parametrize("wrong", ["secret", "mirrored", "partitions"])
async def test_an_impostor_is_no_region(earth: Earth, wrong: str) -> None:
    """Whoever answers at a region's address must know the secret, too."""
    places = earth.world("eu").places
    told: list[object] = []
    ended = asyncio.Event()

    async def answer(socket: ServerConnection) -> None:
        data = await socket.recv()
        hail = decode_asked(data if isinstance(data, bytes) else b"")
        assert isinstance(hail, Hail)
        partitions = 2 if wrong == "partitions" else 1
        proof = proof_of(
            b"x" * 32 if wrong == "secret" else places.secret,
            "dials" if wrong == "mirrored" else "answers",
            hail,
            partitions,
            NONCE,
        )
        await socket.send(encode(Challenge(partitions, NONCE, proof)))
        with suppress(ConnectionClosed):
            told.append(await socket.recv())
            await socket.send(encode(Ready()))
            await socket.recv()
        ended.set()

    async with serve(answer, "127.0.0.1", 0, subprotocols=[LINK_SUBPROTOCOL]) as server:
        port = server.sockets[0].getsockname()[1]
        region = Region("us", f"ws://127.0.0.1:{port}/region", "", 1)
        link = Link(places, region)
        link.on_up.append(lambda: told.append("up"))
        run = asyncio.create_task(link.run())
        await asyncio.wait_for(ended.wait(), 10)
        run.cancel()
    assert told == []
