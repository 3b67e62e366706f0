"""One effect, however often a frame is sent, on however many connections."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from typing import Any

import pytest

from tests.server.outages import resolve
from tests.support import Client, Hub, until

Frame = dict[str, Any]


def post(rng: random.Random, number: int) -> Frame:
    """Words or money to bob."""
    if rng.random() < 0.5:
        return {"type": "message", "id": f"m{number}", "to": "@bob", "text": f"text {number}"}
    money = {"amount": rng.randint(1, 9), "currency": "USD", "text": "tea"}
    return {"type": "payment", "id": f"p{number}", "to": "@bob", **money}


def altered(rng: random.Random, frame: Frame) -> tuple[Frame, str]:
    """The same id with other content, and the field that differs."""
    others: Frame = {"to": "@eve", "text": "something else", "amount": 10, "currency": "EUR"}
    field = rng.choice([name for name in others if name in frame])
    return {**frame, field: others[field]}, field


async def devices(hub: Hub, handle: str, count: int) -> list[Client]:
    """An account with `count` connections, half of them in each encoding."""
    first = await hub.register(handle)
    token = first.welcome["token"]
    rest = [hub.hello(token, {}, binary=place % 2 == 0) for place in range(count - 1)]
    return [first, *await asyncio.gather(*rest)]


async def answers_to(client: Client, frames: list[Frame]) -> list[Frame]:
    """Send all `frames` at once; an answer for each, in whatever order they come."""
    for frame in frames:
        await client.send(frame)
    answers: list[Frame] = []
    while len(answers) < len(frames):
        frame = await client.receive()
        if "from" not in frame:
            answers.append(frame)
    return answers


async def available(client: Client) -> int:
    sheet = await client.ask("balance")
    return int(sheet["balances"]["USD"]["available"])


async def stored(client: Client, box: str) -> list[Frame]:
    """All entries of a short box but the opening balance."""
    page = await client.ask("history", box=box, limit=200)
    assert not page["more"]
    return [entry for entry in page["entries"] if entry["type"] != "deposit"]


async def test_frames_sent_again_elsewhere_have_one_effect_and_one_answer(hub: Hub) -> None:
    rng = random.Random(7)
    alice = await devices(hub, "alice", 8)
    bob, _ = await hub.register("bob"), await hub.register("eve")
    posts = {frame["id"]: frame for frame in (post(rng, number) for number in range(60))}
    shares: dict[Client, list[Frame]] = defaultdict(list)
    for frame in posts.values():
        for client in rng.choices(alice, k=rng.randint(1, 20)):
            shares[client].append(frame)
    hub.app.settings.posts_per_s = 1e9  # the rates are another test's matter
    hub.app.services.hub.parties["@alice"].bucket = None
    answers = await asyncio.gather(*(answers_to(*share) for share in shares.items()))
    acks: dict[str, list[Frame]] = defaultdict(list)
    for ack in (ack for some in answers for ack in some):
        acks[ack["id"]].append(ack)
    assert acks.keys() == posts.keys()
    for copies in acks.values():
        assert {ack["type"] for ack in copies} == {"ack"}
        assert sum(not ack.pop("replayed", False) for ack in copies) == 1
        assert all(ack == copies[0] for ack in copies)
    await see_altered_ones_refused(rng, alice, list(posts.values()))
    paid = sum(frame.get("amount", 0) for frame in posts.values())
    assert (await available(alice[0]), await available(bob)) == (10_000 - paid, 10_000 + paid)
    for client, box in ((alice[0], "@alice"), (bob, "@bob")):
        entries = await stored(client, box)
        assert sorted(entry["id"] for entry in entries) == sorted(posts)
    places = {entry["id"]: entry["seq"] for entry in await stored(alice[0], "@alice")}
    assert places == {id: copies[0]["seq"] for id, copies in acks.items()}


async def see_altered_ones_refused(
    rng: random.Random, clients: list[Client], frames: list[Frame]
) -> None:
    """One re-sent frame in twenty has other content than the original."""
    for frame in frames * 2:
        client = rng.choice(clients)
        again, field = altered(rng, frame) if rng.random() < 0.05 else (frame, "")
        (answer,) = await answers_to(client, [again])
        if field:
            assert (answer["code"], answer["details"]) == ("id_reused", {"field": field})
        else:
            assert answer["replayed"]


async def test_a_hundred_sockets_spend_the_last_cent_once(make_hub: Any) -> None:
    hub = await make_hub(opening_balance="0.01 USD")
    alice, bob = await devices(hub, "alice", 100), await hub.register("bob")
    pay = {"type": "payment", "to": "@bob", "amount": 1, "currency": "USD"}
    asked = (answers_to(one, [{**pay, "id": f"p{n}"}]) for n, one in enumerate(alice))
    answers = [answer for (answer,) in await asyncio.gather(*asked)]
    won = [answer for answer in answers if answer["type"] == "ack"]
    lost = [answer for answer in answers if answer["type"] == "error"]
    assert len(won) == 1
    assert [answer["code"] for answer in lost] == ["insufficient_funds"] * 99
    assert (await available(alice[0]), await available(bob)) == (0, 2)
    assert [entry["id"] for entry in await stored(bob, "@bob")] == [won[0]["id"]]


async def test_one_payment_on_twenty_connections_at_the_same_moment(hub: Hub) -> None:
    alice, bob = await devices(hub, "alice", 20), await hub.register("bob")
    pay = {"type": "payment", "id": "p", "to": "@bob", "amount": 3, "currency": "USD"}
    asked = await asyncio.gather(*(answers_to(client, [pay]) for client in alice))
    acks = [ack for (ack,) in asked]
    assert sum(not ack.pop("replayed", False) for ack in acks) == 1
    assert all(ack == acks[0] and ack["state"] == "settled" for ack in acks)
    assert (await available(alice[0]), await available(bob)) == (9_997, 10_003)
    assert [entry["id"] for entry in await stored(bob, "@bob")] == ["p"]


@pytest.mark.parametrize("cut_by", ["client", "hub"])
async def test_a_payment_cut_in_the_middle_is_paid_once(hub: Hub, cut_by: str) -> None:
    rng = random.Random(11)
    alice, bob = await hub.register("alice"), await hub.register("bob")
    token, cursors = alice.welcome["token"], {"@alice": 1}
    for number in range(20):
        pay = {"type": "payment", "id": f"p{number}", "to": "@bob", "amount": 1, "currency": "USD"}
        await alice.send(pay)
        for _ in range(rng.randint(0, 12)):  # turns of the loop that hub and client share
            await asyncio.sleep(0)
        if cut_by == "client":
            alice.socket.transport.abort()
        else:
            hub.kill_connections_of("@alice")
        alice = await hub.hello(token, cursors, binary=number % 2 == 0)
        ack = await alice.ask(**pay)
        assert (ack["type"], ack["seq"]) == ("ack", number + 2)
        report = await alice.ask("status", of=pay["id"])
        assert report["outcome"] == "stored"
        assert {**report["ack"], "replayed": True} == {**ack, "replayed": True}
        cursors = {"@alice": ack["seq"]}
    assert (await available(alice), await available(bob)) == (9_980, 10_020)
    assert [entry["id"] for entry in await stored(bob, "@bob")] == [f"p{n}" for n in range(20)]
    assert (await alice.ask("status", of="p99"))["outcome"] == "unknown"


async def test_a_registration_cut_before_its_welcome_is_the_same_account(hub: Hub) -> None:
    register = {"type": "register", "id": "r1", "handle": "alice", "password": "correct horse"}
    first = await hub.connect()
    await first.send(register)
    await until(lambda: hub.store("EXISTS", "{p0}a:@alice"))
    first.socket.transport.abort()
    again = await hub.connect(binary=True)
    welcome = await resolve(again, register)
    assert welcome["balances"]["USD"]["available"] == 10_000
    other = await (await hub.connect()).ask(**{**register, "id": "r2", "password": "wrong horse"})
    assert other["code"] == "name_taken"
