"""Several hubs write to the same boxes at once: one order for everybody, acks in their place."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from tests.server.relay.conftest import MakeHubs
from tests.support import Client, Hub, until

Frame = dict[str, Any]
POSTS = 40


class Diary:
    """Everything that one connection was told, in its order."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.frames: list[Frame] = []
        self._task = asyncio.create_task(self._write())

    async def _write(self) -> None:
        while True:
            self.frames.append(await self.client.receive())

    def of(self, box: str) -> list[tuple[int, str, bool]]:
        """Seq, id and whether it was an ack, of what belongs to `box`."""
        told = [one for one in self.frames if one.get("box") == box]
        return [(one["seq"], one["id"], one["type"] == "ack") for one in told]

    async def until(self, box: str, seq: int) -> None:
        await until(lambda: any(place == seq for place, _, _ in self.of(box)))

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def post_at_random(client: Client, name: str, to: str, seed: int) -> None:
    """Frames in bursts, so that the calls of two hubs overlap in all ways."""
    chance = random.Random(seed)
    for n in range(POSTS):
        await client.send({"type": "message", "id": f"{name}-{n}", "to": to, "text": "x" * (n + 1)})
        if chance.random() < 0.3:
            await asyncio.sleep(chance.random() * 0.01)


@pytest.mark.parametrize(("partitions", "seed"), [(1, 1), (1, 2), (4, 3)])
async def test_a_room_has_one_order_for_all_hubs(
    make_hubs: MakeHubs, partitions: int, seed: int
) -> None:
    hubs = await make_hubs(3, partitions=partitions)
    people = [await hub.register(f"p{n}", binary=n == 1) for n, hub in enumerate(hubs)]
    await people[0].ask("create", room="#tea")
    for one in people[1:]:
        await one.ask("join", room="#tea")
    devices = [await hubs[n - 1].login(f"p{n}") for n in range(3)]
    diaries = [Diary(one) for one in (*people, *devices)]
    await asyncio.gather(
        *(post_at_random(one, f"p{n}", "#tea", seed + n) for n, one in enumerate(people))
    )
    last = 3 + 3 * POSTS
    for diary in diaries:
        await diary.until("#tea", last)
    orders = [[one[:2] for one in diary.of("#tea") if one[0] > 3] for diary in diaries]
    assert [seq for seq, _ in orders[0]] == list(range(4, last + 1))
    for order in orders[1:]:
        assert order == orders[0]
    for n, diary in enumerate(diaries):
        acks = [id for seq, id, ack in diary.of("#tea") if ack and seq > 3]
        assert acks == ([f"p{n}-{k}" for k in range(POSTS)] if n < 3 else [])
        await diary.close()


async def test_a_persons_box_has_one_order_for_all_their_devices(hubs: list[Hub]) -> None:
    first, second = hubs
    alice, phone = await first.register("alice"), await second.login("alice")
    bob, carol = await first.register("bob"), await second.register("carol")
    diaries = [Diary(one) for one in (alice, phone)]
    await asyncio.gather(
        post_at_random(alice, "a", "@bob", 1),
        post_at_random(phone, "f", "@carol", 2),
        post_at_random(bob, "b", "@alice", 3),
        post_at_random(carol, "c", "@alice", 4),
    )
    last = 1 + 4 * POSTS
    for diary in diaries:
        await diary.until("@alice", last)
    orders = [[one[:2] for one in diary.of("@alice")] for diary in diaries]
    assert [seq for seq, _ in orders[0]] == list(range(2, last + 1))
    assert orders[0] == orders[1]
    for diary, name in zip(diaries, "af", strict=True):
        acks = [id for _, id, ack in diary.of("@alice") if ack]
        assert acks == [f"{name}-{n}" for n in range(POSTS)]
        await diary.close()


async def test_who_comes_in_while_all_talk_has_neither_gap_nor_double(
    make_hubs: MakeHubs,
) -> None:
    hubs = await make_hubs(2, partitions=4)
    people = [await hubs[n % 2].register(f"p{n}") for n in range(2)]
    await people[0].ask("create", room="#tea")
    await people[1].ask("join", room="#tea")
    talk = asyncio.gather(
        *(post_at_random(one, f"p{n}", "#tea", n) for n, one in enumerate(people))
    )
    token, cursor = people[0].welcome["token"], 2
    told: list[int] = []
    for n in range(8):
        visit = await hubs[n % 2].hello(token, {"#tea": cursor})
        assert not visit.welcome["boxes"]["#tea"].get("limited")
        until = visit.welcome["boxes"]["#tea"]["seq"]
        while cursor < until:
            frame = await visit.receive()
            if frame.get("box") == "#tea":
                cursor = frame["seq"]
                told.append(cursor)
        await visit.close()
        told += [one["seq"] for one in visit.pushed if one.get("box") == "#tea"]
        cursor = max([cursor, *told])
    await talk
    assert told == list(range(3, 3 + len(told)))
