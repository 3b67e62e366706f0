"""What the hub's tests share: a hub in this process, and a client that speaks the raw wire.

The client uses `msgpack` and `orjson`, so that the hub's codec is never tested against itself.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import orjson
from websockets.asyncio.client import ClientConnection, connect

from server.app import OPERATOR_TOKEN, App
from server.config import Settings

CHEAP: dict[str, Any] = {
    "argon2_time_cost": 1,
    "argon2_memory_kib": 64,
    "opening_balance": "100.00 USD",
    "port": 0,
    "strangers": "open",
}
PASSWORD = "correct horse"
PATIENCE_S = 20.0
"""How long a test waits for something that must come."""


async def until(condition: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Wait until `condition`, which may be a coroutine function, is true; give up loudly."""
    async with asyncio.timeout(patience_s):
        while True:
            result = condition()
            if asyncio.iscoroutine(result):
                result = await result
            if result:
                return
            await asyncio.sleep(0.005)


class Client:
    """One connection, frames as plain dictionaries."""

    def __init__(self, socket: ClientConnection, binary: bool) -> None:
        self.socket = socket
        self.binary = binary
        self.pushed: list[dict[str, Any]] = []
        """Frames that came while an answer was awaited."""
        self.welcome: dict[str, Any] = {}
        self._ids = itertools.count(1)

    @classmethod
    async def connect(cls, url: str, binary: bool = False, **options: Any) -> Client:
        name = "teller.v1.msgpack" if binary else "teller.v1.json"
        socket = await connect(url, subprotocols=[name], compression=None, **options)
        return cls(socket, binary)

    async def send(self, frame: dict[str, Any]) -> None:
        await self.send_raw(msgpack.packb(frame) if self.binary else orjson.dumps(frame).decode())

    async def send_raw(self, data: bytes | str) -> None:
        await self.socket.send(data)

    async def receive(self) -> dict[str, Any]:
        """The next frame."""
        if self.pushed:
            return self.pushed.pop(0)
        return await self._next()

    async def _next(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            data = await self.socket.recv()
        return msgpack.unpackb(data) if isinstance(data, bytes) else orjson.loads(data)

    async def answer(self, id: str) -> dict[str, Any]:
        """The frame that answers `id`; what comes before is kept for `receive`."""
        while True:
            frame = await self._next()
            if frame.get("id") == id and "from" not in frame:
                return frame
            self.pushed.append(frame)

    async def ask(self, type: str, id: str | None = None, **fields: Any) -> dict[str, Any]:
        """Send a frame and return its answer."""
        id = id or f"{type}-{next(self._ids)}"
        await self.send({"type": type, "id": id, **fields})
        return await self.answer(id)

    async def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next frame that is `wanted`; the others are dropped."""
        while True:
            frame = await self.receive()
            if wanted(frame):
                return frame

    async def close(self) -> None:
        await self.socket.close()


class Hub:
    """A hub in this process on an embedded store of its own."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.clients: list[Client] = []

    @classmethod
    async def start(cls, data: Path, **settings: Any) -> Hub:
        app = App(Settings(data=data, **{**CHEAP, **settings}))
        await app.start()
        return cls(app)

    @property
    def url(self) -> str:
        return self.app.url

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.app.port}"

    @property
    def data(self) -> Path:
        return self.app.settings.data

    async def connect(self, binary: bool = False, **options: Any) -> Client:
        client = await Client.connect(self.url, binary, **options)
        self.clients.append(client)
        return client

    async def register(self, handle: str, binary: bool = False, **options: Any) -> Client:
        """A new account, logged in."""
        client = await self.connect(binary, **options)
        client.welcome = await client.ask("register", handle=handle, password=PASSWORD)
        assert client.welcome["type"] == "welcome", client.welcome
        return client

    async def login(self, handle: str, binary: bool = False) -> Client:
        """One more device."""
        client = await self.connect(binary)
        client.welcome = await client.ask("login", handle=handle, password=PASSWORD)
        assert client.welcome["type"] == "welcome", client.welcome
        return client

    async def hello(self, token: str, cursors: dict[str, int], binary: bool = False) -> Client:
        """A device that returns."""
        client = await self.connect(binary)
        client.welcome = await client.ask("hello", token=token, cursors=cursors)
        return client

    async def operator(self) -> Client:
        return await self.hello((self.data / OPERATOR_TOKEN).read_text().strip(), {})

    def kill_connections(self) -> None:
        """Cut every socket, as a network would."""
        for connection in list(self.app.edge.connections):
            connection.transport.abort()

    def kill_connections_of(self, name: str) -> None:
        """Cut every socket of one account."""
        for peer in list(self.app.services.hub.parties[name].listeners):
            peer._connection.transport.abort()  # type: ignore[attr-defined]

    async def store(self, *command: Any) -> Any:
        """Ask the hub's store."""
        return await self.app.services.channel(0).request(*command)

    async def stop(self) -> None:
        for client in self.clients:
            client.socket.transport.abort()
        await self.app.stop()
