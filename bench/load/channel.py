"""A WebSocket client by hand: through the handshake, then by request and answer."""

from __future__ import annotations

import asyncio
import re
import socket
from contextlib import suppress
from typing import cast

from .dialects.base import Dialect, RefusedError
from .wire import CLOSE, PING, PONG, WireError, handshake, masked, spans

NORMAL_CLOSURE = (1000).to_bytes(2, "big")
ASK_SECONDS = 60
STALLED_BUFFER, READING_BUFFER = 65_536, 1 << 20
"""What the kernel takes for a reader that does not read, in bytes, and for one that does. On
loopback a smaller buffer would drop whole segments, and the sender would wait for seconds."""


class Channel(asyncio.Protocol):
    """An open WebSocket: a `Line` for its dialect, but for what is missed."""

    def __init__(self, dialect: Dialect, host: str, port: int, name: str = "") -> None:
        self.name = name
        self.cursors: dict[str, int] = {}
        self.dialect = dialect
        self.broken: RefusedError | None = None
        self.upgraded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._peer = (host, port)
        self._rest = b""
        self._waiting: list[tuple[re.Pattern[bytes], asyncio.Future[bytes]]] = []

    # --- for the dialect ---

    def tell(self, payload: bytes) -> None:
        """Send a message."""
        if not self.transport.is_closing():
            self.transport.write(masked(self.dialect.opcode, payload))

    async def ask(self, payload: bytes, answer: re.Pattern[bytes]) -> bytes:
        """Send a message and wait for the first one that `answer` is found in.

        Raises:
            RefusedError: if the dialect's `refusal` is found before, or the connection broke.
            TimeoutError: after 60 seconds.
        """
        if self.broken is not None:
            raise self.broken
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        waiting = (answer, future)
        self._waiting.append(waiting)
        self.tell(payload)
        try:
            async with asyncio.timeout(ASK_SECONDS):
                return await future
        finally:
            with suppress(ValueError):
                self._waiting.remove(waiting)

    # --- for whoever holds it ---

    def stall(self) -> None:
        """Read nothing any more, and let the kernel keep little, until `unstall`."""
        self._take(STALLED_BUFFER)
        self.transport.pause_reading()

    def unstall(self) -> None:
        """Read again."""
        if not self.transport.is_closing():
            self._take(READING_BUFFER)
            self.transport.resume_reading()

    def _take(self, size: int) -> None:
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)

    def close(self) -> None:
        """Hang up politely."""
        if not self.transport.is_closing():
            self.transport.write(masked(CLOSE, NORMAL_CLOSURE))
            self.transport.close()

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(handshake(*self._peer, self.dialect.path, self.dialect.subprotocol))

    def connection_lost(self, exc: Exception | None) -> None:
        self.broken = RefusedError(f"the connection of {self.name} broke: {exc or 'closed'}")
        if not self.upgraded.done():
            self.upgraded.set_exception(self.broken)
        for _, future in self._waiting:
            if not future.done():
                future.set_exception(self.broken)

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
            self._rest = b""
        try:
            if self.upgraded.done() or (data := self._upgrade(data)):
                self._read(data)
        except WireError:
            self.transport.abort()

    def _upgrade(self, data: bytes) -> bytes:
        head, found, rest = data.partition(b"\r\n\r\n")
        if not found:
            self._rest = data
            return b""
        status = head.split(b"\r\n", 1)[0]
        if b" 101 " in status:
            self.upgraded.set_result(None)
            return rest
        self.upgraded.set_exception(RefusedError(status.decode("latin-1")))
        self.transport.close()
        return b""

    def _read(self, data: bytes) -> None:
        frames, used = spans(data)
        self._rest = data[used:]
        for opcode, start, end in frames:
            if opcode >= CLOSE:
                self._control(opcode, data[start:end])
            else:
                self._message(data[start:end])

    def _message(self, payload: bytes) -> bool:
        """Whether somebody waited for this message, or the server for an answer to it."""
        for answer, future in self._waiting:
            if not future.done() and answer.search(payload):
                future.set_result(payload)
                return True
        if self._keeps_alive(payload):
            return True
        refused = self.dialect.refusal.search(payload) is not None
        for _, future in self._waiting if refused else ():
            if not future.done():
                future.set_exception(RefusedError(payload[:300].decode("latin-1")))
                break
        return refused

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.transport.write(masked(PONG, payload))
        elif opcode == CLOSE:
            self.close()

    def _keeps_alive(self, payload: bytes) -> bool:
        """Answer `payload` if it asks for a sign of life, and tell whether it does."""
        keepalive = self.dialect.keepalive
        if keepalive is None:
            return False
        asks = keepalive[0] in payload if self.dialect.batches else payload == keepalive[0]
        if asks:
            self.tell(keepalive[1])
        return asks
