"""One WebSocket connection of a client, in JSON or MessagePack."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgpack
import orjson

from bench.load.wire import BINARY, CLOSE, PING, PONG, TEXT, WireError, handshake, masked, spans

Frame = dict[str, Any]


class Socket(asyncio.Protocol):
    """`take` gets every frame; `opened` and `ended` are done when it is open and closed."""

    def __init__(self, host: str, port: int, binary: bool, take: Callable[[Frame], None]) -> None:
        self._host, self._port = host, port
        self._binary = binary
        self._take = take
        self._rest = b""
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self.transport: asyncio.WriteTransport | None = None

    def send(self, frame: Frame) -> None:
        """Send a frame; what cannot be sent any more is lost, as on any network."""
        if self.transport is None or self.transport.is_closing():
            return
        if self._binary:
            self.transport.write(masked(BINARY, msgpack.packb(frame)))
        else:
            self.transport.write(masked(TEXT, orjson.dumps(frame)))

    def abort(self) -> None:
        """End it without a word."""
        if self.transport is not None:
            self.transport.abort()

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        name = "teller.v1.msgpack" if self._binary else "teller.v1.json"
        self.transport.write(handshake(self._host, self._port, subprotocol=name))  # type: ignore[union-attr]

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        self._rest = b""
        if not self.opened.done():
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._rest = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                self.abort()
                return
            self.opened.set_result(None)
            data = data[end + 4 :]
        try:
            found, used = spans(data)
        except WireError:
            self.abort()
            return
        self._rest = data[used:]
        for opcode, start, end in found:
            self._frame(opcode, data[start:end])

    def connection_lost(self, error: Exception | None) -> None:
        del error
        for future in (self.opened, self.ended):
            if not future.done():
                future.set_result(None)

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            self._take(orjson.loads(payload))
        elif opcode == BINARY:
            self._take(msgpack.unpackb(payload))
        elif opcode == PING and self.transport is not None:
            self.transport.write(masked(PONG, payload))
        elif opcode == CLOSE and self.transport is not None:
            self.transport.write(masked(CLOSE, payload))
            self.transport.close()
