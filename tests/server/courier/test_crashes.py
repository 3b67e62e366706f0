"""Couriers that forget everything at random moments, elections and cuts: all arrives once."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from server.courier import courier as module
from server.courier.lane import Lane
from tests.server.courier.conftest import PARTITIONS, World, name_in
from tests.server.outages import break_link
from tests.support import Client, until


def crash(lane: Lane, rng: random.Random) -> None:
    """As if the courier's process ended and another one began."""
    if rng.random() < 0.5:
        lane._trouble = True
    elif not lane.stopped and lane._at_rest:
        lane._known = False


async def _misfortune(world: World, rng: random.Random, met: list[str]) -> None:
    """Couriers forget everything, elections change, and store connections break."""
    while True:
        await asyncio.sleep(rng.uniform(0.005, 0.03))
        hub = rng.choice(world.hubs)
        courier = hub.app.services.courier
        choice = rng.random()
        if choice < 0.6:
            for lane in list(courier.lanes.values()):
                crash(lane, rng)
                lane.go()
            met.append("forgot")
        elif choice < 0.9:
            courier.mine = frozenset(n for n in range(PARTITIONS) if rng.random() < 0.7)
            met.append("elected")
        elif hub.app.services.stores.up:
            break_link(hub)
            met.append("cut off")


async def _life(client: Client, name: str, others: list[str], rng: random.Random) -> None:
    """Pay and write at random, and ask again whatever is unknown."""
    for n in range(60):
        to = rng.choice(others)
        id = f"{name}-{n}"
        frame: dict[str, Any] = {"type": "message", "id": id, "to": to, "text": id}
        if rng.random() < 0.6:
            money = {"amount": rng.randint(1, 400), "currency": "USD"}
            frame = {"type": "payment", "id": id, "to": to, **money}
        while True:
            await client.send(frame)
            answer = await client.answer(id)
            if answer.get("retry") != "same_id":
                break
            await asyncio.sleep(0.02)
        assert answer["type"] == "ack", answer


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_random_crashes_of_couriers_lose_and_double_nothing(
    world: World, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SCAN_S", 0.1)
    rng = random.Random(seed)
    names = [name_in(n % PARTITIONS, f"s{n}x") for n in range(6)]
    clients = [await rng.choice(world.hubs).register(name[1:]) for name in names]
    met: list[str] = []
    misfortune = asyncio.create_task(_misfortune(world, rng, met))
    await asyncio.gather(
        *(
            _life(client, name, [one for one in names if one != name], random.Random(seed + n))
            for n, (client, name) in enumerate(zip(clients, names, strict=True))
        )
    )
    assert not misfortune.done()
    misfortune.cancel()
    assert len(met) >= 5
    for hub in world.hubs:
        hub.app.services.courier.elect()
        await until(lambda hub=hub: hub.app.services.stores.up)
    await world.judge()
    report = await world.audit()
    assert report.circulation == {"USD": 60_000}
    boxes = [
        await client.ask("history", box=name, limit=200)
        for client, name in zip(clients, names, strict=True)
    ]
    for name, page in zip(names, boxes, strict=True):
        for sender in names:
            sent = [
                int(one["id"].rpartition("-")[2])
                for one in page["entries"]
                if one["from"] == sender and one["type"] in ("message", "payment")
            ]
            assert sent == sorted(sent), (sender, name)
            assert len(sent) == len(set(sent))
