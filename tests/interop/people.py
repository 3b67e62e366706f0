"""Three clients that share no WebSocket library and no codec with the hub or with each other."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import socket
from pathlib import Path
from typing import Any

import aiohttp
import msgpack
import orjson
from websockets.asyncio.client import ClientConnection, connect

from tests.support import PASSWORD, PATIENCE_S

ORIGIN = "https://chat.example"
HERE = Path(__file__).parent

Frame = dict[str, Any]


class Person:
    """Somebody with one connection, who notes the place of every entry of every box."""

    def __init__(self, url: str, name: str) -> None:
        self.url = url
        self.name = name
        self.token = ""
        self.seen: dict[str, dict[int, str]] = {}
        """By box: the id of the entry at each seq."""
        self.order: dict[str, list[int]] = {}
        """By box: the seqs, as they came."""
        self._ids = itertools.count(1)

    async def dial(self) -> None: ...

    async def transmit(self, frame: Frame) -> None: ...

    async def receive(self) -> Frame: ...

    async def drop(self) -> None: ...

    async def leave(self) -> None: ...

    async def register(self) -> None:
        await self.dial()
        welcome = await self.ask("register", handle=self.name[1:], password=PASSWORD)
        assert welcome["type"] == "welcome", welcome
        self.token = welcome["token"]

    async def resume(self) -> None:
        """Come back; what was missed is read by whatever is awaited next."""
        await self.dial()
        cursors = {box: max(seqs) for box, seqs in self.seen.items()}
        welcome = await self.ask("hello", token=self.token, cursors=cursors)
        assert welcome["type"] == "welcome", welcome

    async def ask(self, type: str, id: str | None = None, **fields: Any) -> Frame:
        """Send a frame and return its answer; entries that come before are noted."""
        id = id or f"{self.name}-{type}-{next(self._ids)}"
        await self.transmit({"type": type, "id": id, **fields})
        while True:
            frame = await self.hear()
            if frame.get("id") == id and "from" not in frame:
                return frame

    async def hear(self) -> Frame:
        """The next frame; an entry, or the ack of one, is noted."""
        async with asyncio.timeout(PATIENCE_S):
            frame = await self.receive()
        if "box" in frame and "seq" in frame and not frame.get("replayed"):
            self.seen.setdefault(frame["box"], {})[frame["seq"]] = frame["id"]
            self.order.setdefault(frame["box"], []).append(frame["seq"])
        return frame

    async def hear_until(self, box: str, seq: int) -> None:
        """Read on until the entry `seq` of `box` was heard."""
        while seq not in self.seen.get(box, {}):
            await self.hear()


class Native(Person):
    """Python's `websockets` with `msgpack`, or with `orjson`."""

    socket: ClientConnection

    def __init__(self, url: str, name: str, binary: bool) -> None:
        super().__init__(url, name)
        self._binary = binary

    async def dial(self) -> None:
        subprotocol = f"teller.v1.{'msgpack' if self._binary else 'json'}"
        self.socket = await connect(self.url, subprotocols=[subprotocol])
        assert self.socket.subprotocol == subprotocol

    async def transmit(self, frame: Frame) -> None:
        if self._binary:
            await self.socket.send(msgpack.packb(frame))
        else:
            await self.socket.send(orjson.dumps(frame), text=True)

    async def receive(self) -> Frame:
        data = await self.socket.recv(decode=False)
        frame: Frame = msgpack.unpackb(data) if self._binary else orjson.loads(data)
        return frame

    async def drop(self) -> None:
        self.socket.transport.abort()

    async def leave(self) -> None:
        await self.socket.close()


class Browser(Person):
    """As a page does it: JSON, an Origin, no subprotocol asked for, compression offered."""

    socket: aiohttp.ClientWebSocketResponse
    session: aiohttp.ClientSession | None = None

    async def dial(self) -> None:
        self.session = aiohttp.ClientSession()
        self.socket = await self.session.ws_connect(self.url, origin=ORIGIN, compress=15)

    async def transmit(self, frame: Frame) -> None:
        await self.socket.send_json(frame)

    async def receive(self) -> Frame:
        frame: Frame = await self.socket.receive_json()
        return frame

    async def drop(self) -> None:
        number = os.dup(self.socket.get_extra_info("socket").fileno())
        with socket.socket(
            fileno=number
        ) as beneath:  # no close frame, as when a phone loses its net
            beneath.shutdown(socket.SHUT_RDWR)
        assert self.session is not None
        await self.session.close()

    async def leave(self) -> None:
        await self.socket.close()
        assert self.session is not None
        await self.session.close()


class Node(Person):
    """`ws` on Node, driven through its standard streams."""

    process: asyncio.subprocess.Process | None = None

    async def dial(self) -> None:
        if self.process is None:
            self.process = await asyncio.create_subprocess_exec(
                *("node", str(HERE / "client.mjs"), self.url),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=1024 * 1024,
            )
        await self._command({"do": "connect"})
        assert await self._event() == {"event": "open", "protocol": "teller.v1.json"}

    async def transmit(self, frame: Frame) -> None:
        await self._command({"do": "send", "frame": frame})

    async def receive(self) -> Frame:
        event = await self._event()
        assert (event["event"], event["binary"]) == ("frame", False), event
        frame: Frame = event["frame"]
        return frame

    async def drop(self) -> None:
        await self._command({"do": "drop"})
        while (await self._event())["event"] != "closed":
            pass

    async def leave(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ConnectionError):
                await self._command({"do": "exit"})
            await self.process.wait()

    async def _command(self, command: Frame) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(orjson.dumps(command) + b"\n")
        await self.process.stdin.drain()

    async def _event(self) -> Frame:
        assert self.process is not None
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            line = await self.process.stdout.readline()
        assert line, "node ended"
        event: Frame = orjson.loads(line)
        return event


async def why_no_node() -> str | None:
    """Install `ws` beside this file if it is not there; why Node cannot take part, if it cannot."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "node or npm is not installed"
    if (HERE / "node_modules" / "ws").is_dir():
        return None
    options = ("--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund")
    npm = await asyncio.create_subprocess_exec(
        *("npm", "install", "--prefix", str(HERE), *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(60):
            output, _ = await npm.communicate()
    except TimeoutError:
        npm.kill()
        return "npm could not install ws within a minute"
    return None if npm.returncode == 0 else f"npm could not install ws: {output.decode()[-300:]}"
