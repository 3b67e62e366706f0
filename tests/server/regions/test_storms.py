"""People of three regions pay and write at random while the lines between them are cut, reset and
healed at random: nothing is lost, made, doubled, or out of order."""

from __future__ import annotations

import asyncio
from itertools import permutations
from random import Random
from typing import Any

import pytest

from tests.support import Client, until

from .conftest import NAMES, Earth

PEOPLE = {f"{region}{n}": region for region in NAMES for n in range(2)}
POSTS = 40


class Person:
    """Posts at random, and remembers what came."""

    def __init__(self, client: Client, handle: str, draw: Random) -> None:
        self.client, self.name, self._draw = client, f"@{handle}", draw
        self.sent: dict[str, list[str]] = {}
        """Ids of what was acknowledged, in order, by the recipient."""
        self.came: dict[str, list[str]] = {}
        """Ids of what came, in order, by the sender."""
        self.returned: set[str] = set()
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._reader = asyncio.create_task(self._read())

    async def post(self) -> None:
        """Words or money for everybody, each posted again until it is certain."""
        others = [f"@{handle}" for handle in PEOPLE if f"@{handle}" != self.name]
        for n in range(POSTS):
            to, id = self._draw.choice(others), f"{self.name[1:]}-{n}"
            frame: dict[str, Any] = {"type": "message", "id": id, "to": to, "text": id}
            if self._draw.random() < 0.6:
                amount = self._draw.randrange(1, 60)
                frame = {"type": "payment", "id": id, "to": to, "amount": amount, "currency": "USD"}
            answer = await self._ask(frame)
            while answer.get("code") == "unavailable":  # the directory cannot be asked now
                await asyncio.sleep(0.05)
                answer = await self._ask(frame)
            assert answer["type"] == "ack", answer
            self.sent.setdefault(to, []).append(id)
            await asyncio.sleep(self._draw.random() * 0.02)

    async def _ask(self, frame: dict[str, Any]) -> dict[str, Any]:
        future = asyncio.get_running_loop().create_future()
        self._answers[frame["id"]] = future
        await self.client.send(frame)
        return await asyncio.wait_for(future, 20)

    async def _read(self) -> None:
        while True:
            frame = await self.client._next()
            if "from" not in frame:
                self._answers.pop(frame["id"]).set_result(frame)
            elif frame["type"] == "returned":
                self.returned.add(frame["id"])
            elif frame["from"] != self.name:
                self.came.setdefault(frame["from"], []).append(frame["id"])

    def stop(self) -> None:
        self._reader.cancel()


async def weather(earth: Earth, draw: Random) -> None:
    """Trouble on the lines, until cancelled."""
    while True:
        one, other = draw.choice(list(permutations(NAMES, 2)))
        how = draw.choice(["cut", "hold", "reset"])
        if how == "reset":
            earth.kill(one, other)
            await asyncio.sleep(draw.random() * 0.05)
            continue
        earth.cut(one, other, abort_after=0.0 if how == "cut" else None)
        await asyncio.sleep(draw.random() * 0.3)
        earth.heal(one, other)


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_is_lost_or_doubled_in_any_weather(earth: Earth, seed: int) -> None:
    draw = Random(seed)
    people = {
        handle: Person(await earth[region].register(handle), handle, Random(f"{seed} {handle}"))
        for handle, region in PEOPLE.items()
    }
    storm = asyncio.create_task(weather(earth, draw))
    await asyncio.gather(*(person.post() for person in people.values()))
    storm.cancel()
    for one, other in permutations(NAMES, 2):
        earth.heal(one, other)
    await earth.judge()
    sent = sum(len(ids) for person in people.values() for ids in person.sent.values())
    await until(
        lambda: sum(len(ids) for one in people.values() for ids in one.came.values()) >= sent
    )
    for person in people.values():
        assert person.returned == set()
        for to, ids in person.sent.items():
            assert people[to[1:]].came[person.name] == ids
        person.stop()
