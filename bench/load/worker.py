"""The generator's process, started by `bench.load.driver`.

It holds one system's connections, between rounds too.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
from collections.abc import Callable
from secrets import token_hex
from typing import Any

import uvloop

from .connection import Connection
from .dialect import DIALECTS
from .gate import Faults, check_pairs, check_room
from .lines import obey
from .window import Plan, Window

ENTRANTS = 16
"""Connections that register at the same time."""
PASSWORD = "correct horse battery"
SENDERS_TIMED = 10
"""In a room every n-th member's deliveries are timed."""
CURRENCY = "USD"

Gate = Callable[[Window, list[Connection]], Faults]


class Worker:
    """The connections to one system, and what can be done with them. Each public coroutine is a
    command: it takes what the line holds and returns what is answered."""

    def __init__(self, host: str, port: int, codec: str) -> None:
        self._host, self._port = host, port
        self._dialect = DIALECTS[codec]
        self._connections: list[Connection] = []
        self._tokens: list[str] = []
        self._room = ""
        self._next_op = 1

    async def register(self, number: int, keep: bool = True) -> dict[str, object]:
        """Open `number` accounts, of names that no earlier run used; keep the connections, or only
        the tokens."""
        gate = asyncio.Semaphore(ENTRANTS)
        prefix = f"b{token_hex(4)}_"

        async def one(n: int) -> Connection:
            async with gate:
                connection = await self._open(f"{prefix}{n:05d}")
                welcome = await connection.request(
                    "register", handle=connection.handle, password=PASSWORD
                )
                self._tokens.append(welcome.get("token", ""))
                if not keep:
                    connection.close()
                return connection

        made = await asyncio.gather(*(one(n) for n in range(number)))
        self._connections = list(made) if keep else []
        return {"names": [f"@{connection.handle}" for connection in made]}

    async def resume(self) -> None:
        """Open a connection for each token, with `hello`."""
        gate = asyncio.Semaphore(ENTRANTS)

        async def one(token: str) -> Connection:
            async with gate:
                connection = await self._open("")
                await connection.request("hello", token=token)
                return connection

        self._connections = list(await asyncio.gather(*(one(t) for t in self._tokens)))

    async def join(self) -> None:
        """Make a room and bring everyone in."""
        self._room = f"#b{token_hex(4)}"
        owner, *others = self._connections
        await owner.request("create", room=self._room)
        for other in others:
            await other.request("join", room=self._room)

    async def pairs(self, kind: str, size: int, **plan: Any) -> dict[str, object]:
        """A window of one-to-one traffic: neighbours send each other messages or payments."""
        for n, connection in enumerate(self._connections):
            connection.timed = True
            to = "@" + self._connections[n ^ 1].handle
            fields: dict[str, object] = {"type": kind, "to": to}
            if kind == "payment":
                fields |= {"amount": 1, "currency": CURRENCY}
            else:
                fields |= {"text": "x" * size}
            connection.templates = [self._dialect.template(fields)]
        return await self._window(check_pairs, 1, plan)

    async def room(self, senders: int, size: int, **plan: Any) -> dict[str, object]:
        """A window in which `senders` members speak to the room."""
        message = {"type": "message", "to": self._room, "text": "x" * size}
        template = self._dialect.template(message)
        for n, connection in enumerate(self._connections):
            connection.templates = [template] if n < senders else []
            connection.timed = n % SENDERS_TIMED == 0
        return await self._window(check_room, len(self._connections) - 1, plan)

    async def balances(self) -> dict[str, int]:
        """What all accounts have together, and the smallest of them, in minor units."""
        sheets = [await c.request("balance") for c in self._connections]
        have = [sheet["balances"].get(CURRENCY, {}) for sheet in sheets]
        owned = [one.get("available", 0) + one.get("held", 0) for one in have]
        return {"sum": sum(owned), "least": min(one.get("available", 0) for one in have)}

    def close(self) -> None:
        """Hang up everywhere."""
        for connection in self._connections:
            connection.close()

    async def _open(self, handle: str) -> Connection:
        return await Connection.open(self._dialect, self._host, self._port, handle)

    async def _window(self, gate: Gate, copies: int, plan: dict[str, Any]) -> dict[str, object]:
        window = Window(self._connections, Plan(first=self._next_op, **plan))
        gc.collect()
        gc.disable()  # a pause of the generator would be taken for one of the hub
        try:
            result = await window.run(copies)
        finally:
            gc.enable()
        self._next_op += len(window.sent_at)
        faults = gate(window, self._connections)
        return {**result, "faults": vars(faults)}


async def main(host: str, port: str, codec: str) -> None:
    """Entry of the process."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    worker = Worker(host, int(port), codec)
    await obey(worker)
    worker.close()
    await asyncio.sleep(0.1)  # the closes are written in this loop's next turn


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
