"""Too much of everything: refused with a time to wait, and taken afterwards with the same id."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.support import Client, Hub

from .conftest import MakeHub

SLOWLY = {"posts_per_s": 4.0, "posts_burst": 2}


async def answers_to(client: Client, frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Send all `frames`; their answers in the same order (refusals overtake what is stored)."""
    for frame in frames:
        await client.send(frame)
    found: dict[str, dict[str, Any]] = {}
    while len(found) < len(frames):
        answer = await client.receive()
        found[answer["id"]] = answer
    return [found[frame["id"]] for frame in frames]


async def insist(client: Client, frame: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Send `frame` until it is not held back; the answer, and how often it was."""
    held = 0
    while True:
        await client.send(frame)
        answer = await client.answer(frame["id"])
        if answer.get("code") != "rate_limited":
            return answer, held
        assert answer["retry"] == "same_id"
        assert answer["details"]["retry_after_ms"] >= 1
        await asyncio.sleep(answer["details"]["retry_after_ms"] / 1000)
        held += 1


def payments(count: int) -> list[dict[str, Any]]:
    fields = {"type": "payment", "to": "@bob", "amount": 1, "currency": "USD"}
    return [{**fields, "id": f"p{place}"} for place in range(count)]


async def test_posts_that_are_held_back_succeed_later_with_the_same_id(make_hub: MakeHub) -> None:
    hub = await make_hub(**SLOWLY)
    alice, bob = await hub.register("alice"), await hub.register("bob")
    first = await answers_to(alice, payments(12))
    late = [frame for frame, got in zip(payments(12), first, strict=True) if got["type"] == "error"]
    assert {got["code"] for got in first if got["type"] == "error"} == {"rate_limited"}
    assert late
    assert [(await insist(alice, frame))[0]["type"] for frame in late] == ["ack"] * len(late)
    sheet = await bob.ask("balance")
    assert sheet["balances"]["USD"]["available"] == 10_012


async def test_the_rate_is_the_accounts_not_the_connections(make_hub: MakeHub) -> None:
    hub = await make_hub(posts_per_s=0.01, posts_burst=4)
    alice, _ = await hub.register("alice"), await hub.register("bob")
    devices = [alice, await hub.login("alice"), await hub.login("alice", binary=True)]
    codes = []
    for place, frame in enumerate(payments(8)):
        device = devices[place % 3]
        await device.send(frame)
        codes.append((await device.answer(frame["id"])).get("code", "ack"))
    assert codes == ["ack"] * 4 + ["rate_limited"] * 4


async def flood(client: Client, count: int) -> list[str]:
    answers = await answers_to(
        client, [{"type": "balance", "id": f"b{place}"} for place in range(count)]
    )
    return [answer.get("code", answer["type"]) for answer in answers]


async def test_frames_have_a_rate_before_and_after_login(make_hub: MakeHub) -> None:
    hub = await make_hub(frames_per_s=0.01, frames_burst=3)
    alice = await hub.register("alice")
    assert await flood(alice, 6) == ["balance"] * 2 + ["rate_limited"] * 4
    stranger = await hub.connect()
    assert await flood(stranger, 6) == ["unauthenticated"] * 3 + ["rate_limited"] * 3
    assert hub.app.services.counters.rate_limited == 7


async def test_typing_beyond_the_rate_is_dropped_in_silence(make_hub: MakeHub) -> None:
    hub = await make_hub(frames_per_s=0.01, frames_burst=3)
    alice, bob = await hub.register("alice"), await hub.register("bob")
    for _ in range(50):
        await alice.send({"type": "typing", "to": "@bob"})
    await alice.send({"type": "balance", "id": "b"})
    assert (await alice.receive())["code"] == "rate_limited"
    assert (await bob.receive())["type"] == "typing"
    assert (await bob.ask("balance"))["type"] == "balance"
    assert bob.pushed == []


async def test_rooms_per_account(make_hub: MakeHub) -> None:
    hub = await make_hub(rooms_per_account=2)
    alice = await hub.register("alice")
    answers = [await alice.ask("create", room=f"#room{place}") for place in range(3)]
    assert [one.get("code", "ack") for one in answers] == ["ack", "ack", "limit_exceeded"]
    await alice.ask("leave", room="#room0")
    assert (await alice.ask("create", room="#room3"))["type"] == "ack"


async def test_without_rates_nothing_is_held_back(make_hub: MakeHub) -> None:
    hub: Hub = await make_hub(rate_limits=False, frames_per_s=0.01, frames_burst=1)
    alice = await hub.register("alice")
    assert await flood(alice, 20) == ["balance"] * 20
