"""A client of bare bytes: nothing between the test and the hub's socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson

from tests.conformance.wire import CLOSE, HANDSHAKE, PING, TEXT_OP, frame
from tests.support import PATIENCE_S, Hub


class Raw:
    """One TCP connection to the hub."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    def send_frame(self, fields: dict[str, Any]) -> None:
        """A frame of the protocol, as one masked text frame."""
        self.send(frame(TEXT_OP, orjson.dumps(fields)))

    async def head(self) -> str:
        """The head of an HTTP response."""
        async with asyncio.timeout(PATIENCE_S):
            return (await self._reader.readuntil(b"\r\n\r\n")).decode()

    async def rest(self) -> bytes:
        """Everything until the hub closes."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._reader.read()

    async def frame(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame that is no ping."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                first, second = await self._reader.readexactly(2)
                length = second & 0x7F
                if length >= 126:
                    size = 2 if length == 126 else 8
                    length = int.from_bytes(await self._reader.readexactly(size), "big")
                payload = await self._reader.readexactly(length)
                if first & 15 != PING:
                    return first & 15, payload

    async def answer(self, id: str) -> dict[str, Any]:
        """The frame of the protocol that answers `id`."""
        while True:
            opcode, payload = await self.frame()
            fields: dict[str, Any] = orjson.loads(payload) if opcode == TEXT_OP else {}
            if fields.get("id") == id:
                return fields

    async def closed(self) -> tuple[int | None, list[dict[str, Any]]]:
        """The code that the hub closes with (None: without one), and the frames before."""
        frames = []
        while True:
            try:
                opcode, payload = await self.frame()
            except (asyncio.IncompleteReadError, ConnectionResetError):
                return None, frames
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big"), frames
            frames.append(orjson.loads(payload))

    async def finish(self) -> bytes:
        """Send nothing more; everything until the hub closes."""
        self._writer.write_eof()
        with contextlib.suppress(ConnectionResetError):
            return await self.rest()
        return b""

    def stop_reading(self) -> None:
        """Take no more bytes from the system; its buffers, and then the hub's, fill up."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    def read_on(self) -> None:
        self._writer.transport.resume_reading()  # type: ignore[attr-defined]

    async def push(self, data: bytes) -> None:
        """Send `data` and wait until the system has taken most of it."""
        self._writer.write(data)
        async with asyncio.timeout(PATIENCE_S):
            await self._writer.drain()

    def cut(self) -> None:
        self._writer.transport.abort()


@asynccontextmanager
async def raw(hub: Hub, shake_hands: bool = True) -> AsyncIterator[Raw]:
    """A connection, with or without the WebSocket handshake done."""
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.app.port)
    client = Raw(reader, writer)
    try:
        if shake_hands:
            client.send(HANDSHAKE)
            assert (await client.head()).startswith("HTTP/1.1 101 ")
        yield client
    finally:
        client.cut()


@asynccontextmanager
async def raw_login(hub: Hub, token: str, **hello: Any) -> AsyncIterator[Raw]:
    """A logged-in connection of bare bytes."""
    async with raw(hub) as client:
        client.send_frame({"type": "hello", "id": "hello", "token": token, **hello})
        assert (await client.answer("hello"))["type"] == "welcome"
        yield client


async def http(hub: Hub, request: bytes) -> tuple[int, str, bytes]:
    """Status, head and body of the answer to `request`; status 0 if there is none."""
    async with raw(hub, shake_hands=False) as client:
        client.send(request)
        head, _, body = (await client.rest()).partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]) if head else 0, head.decode() + "\r\n", body
