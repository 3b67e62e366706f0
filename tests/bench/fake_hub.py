"""A hub with planted faults, to test the instrument. It relays as the real ones do, except where
its `Planted` says otherwise."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from websockets.asyncio.server import ServerConnection, serve

from bench.load.connection import Connection
from bench.load.dialect import DIALECTS


@dataclass
class Planted:
    """What goes wrong, and at which message (counted from 1)."""

    lose_at: int = 0
    double_at: int = 0
    swap_at: int = 0
    """This delivery is held back until its sender's next one went out."""
    forget_ack_at: int = 0
    refuse_at: int = 0
    stray_at: int = 0
    """An ack with an id that nobody sent."""
    stall_at: int = 0
    stall_seconds: float = 0.0
    """For so long nothing is answered."""


class FakeHub:
    """Serves `register`, `join` and `message`."""

    def __init__(self, planted: Planted) -> None:
        self.planted = planted
        self.messages = 0
        self.port = 0
        self._people: dict[str, ServerConnection] = {}
        self._rooms: defaultdict[str, list[ServerConnection]] = defaultdict(list)
        self._held: list[tuple[ServerConnection, ServerConnection, str]] = []
        self._running = asyncio.Event()
        self._running.set()

    async def handle(self, socket: ServerConnection) -> None:
        async for text in socket:
            frame = orjson.loads(text)
            if frame["type"] == "register":
                self._people["@" + frame["handle"]] = socket
                await self._answer(socket, "welcome", frame)
            elif frame["type"] == "message":
                await self._message(socket, str(text), frame)
            else:
                self._rooms[frame["room"]].append(socket)
                await self._answer(socket, "ack", frame)

    async def _message(self, socket: ServerConnection, text: str, frame: dict[str, Any]) -> None:
        self.messages += 1
        number, planted = self.messages, self.planted
        if number == planted.stall_at:
            self._running.clear()
            asyncio.get_running_loop().call_later(planted.stall_seconds, self._running.set)
        await self._running.wait()
        if number == planted.refuse_at:
            await self._answer(socket, "error", frame)
            return
        room = self._rooms.get(frame["to"], [self._people.get(frame["to"])])
        for to in room:
            if to is not None and to is not socket:
                await self._deliver(number, socket, to, text)
        if number == planted.stray_at:
            await self._answer(socket, "ack", {"id": "000000009999"})
        if number != planted.forget_ack_at:
            await self._answer(socket, "ack", frame)

    async def _deliver(
        self, number: int, sender: ServerConnection, to: ServerConnection, text: str
    ) -> None:
        planted = self.planted
        if number == planted.lose_at:
            return
        if number == planted.swap_at:
            self._held.append((sender, to, text))
            return
        await to.send(text)
        if number == planted.double_at:
            await to.send(text)
        for held in [one for one in self._held if one[:2] == (sender, to)]:
            self._held.remove(held)
            await to.send(held[2])

    async def _answer(self, socket: ServerConnection, type: str, frame: dict[str, Any]) -> None:
        await socket.send(orjson.dumps({"type": type, "id": frame["id"]}).decode())


@asynccontextmanager
async def fake_hub(planted: Planted) -> AsyncIterator[FakeHub]:
    """A `FakeHub` on a free port."""
    hub = FakeHub(planted)
    async with serve(hub.handle, "127.0.0.1", 0, compression=None) as server:
        hub.port = next(iter(server.sockets)).getsockname()[1]
        yield hub


async def clients(hub: FakeHub, number: int) -> list[Connection]:
    """So many registered load connections."""
    made = []
    for n in range(number):
        connection = await Connection.open(DIALECTS["json"], "127.0.0.1", hub.port, f"c{n}")
        await connection.request("register", handle=connection.handle, password="x" * 8)
        made.append(connection)
    return made
