"""One load connection: set up by request and answer, then counted without decoding."""

from __future__ import annotations

import asyncio
from itertools import count
from time import monotonic_ns
from typing import TYPE_CHECKING, cast

from .dialect import ACK, ENTRIES, ID_DIGITS, Dialect, Frame
from .wire import BINARY, CLOSE, PING, PONG, WireError, handshake, masked, spans

if TYPE_CHECKING:
    from .window import Window


NORMAL_CLOSURE = (1000).to_bytes(2, "big")


class RefusedError(Exception):
    """The system answered a set-up request with an error, or hung up."""


class Connection(asyncio.Protocol):
    """A client by hand. Outside a window answers are decoded and matched with `request`; in a
    window they are counted and their ids are written down, for the gate."""

    def __init__(self, dialect: Dialect, host: str, port: int, handle: str = "") -> None:
        self.handle = handle
        self.window: Window | None = None
        self.templates: list[bytes] = []
        """What this connection sends in the window; none if it only listens."""
        self.acks = bytearray()
        self.deliveries = bytearray()
        self.timed = True
        """Whether deliveries here are timed. In a room a sample of the members is enough."""
        self.dialect = dialect
        self._peer = (host, port)
        self._rest = b""
        self._ids = count(1)
        self._waiting: dict[str, asyncio.Future[Frame]] = {}
        self._open: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, dialect: Dialect, host: str, port: int, handle: str = "") -> Connection:
        """A connection through its handshake.

        Raises:
            RefusedError: if the server does not upgrade.
            OSError: if nobody listens.
        """
        loop = asyncio.get_running_loop()
        made = lambda: cls(dialect, host, port, handle)  # noqa: E731
        _, connection = await loop.create_connection(made, host, port)
        await asyncio.wait_for(connection._open, 30)
        return connection

    async def request(self, type: str, **fields: object) -> Frame:
        """Send a frame and wait for its answer.

        Raises:
            RefusedError: if the answer is an `error`, or the connection broke.
        """
        id = f"set-{next(self._ids)}"
        answer = self._waiting[id] = asyncio.get_running_loop().create_future()
        self.transport.write(self.dialect.frame({"type": type, "id": id, **fields}))
        frame: Frame = await asyncio.wait_for(answer, 60)
        if frame["type"] == "error":
            raise RefusedError(f"{type}: {frame.get('code')}: {frame.get('message')}")
        return frame

    def close(self) -> None:
        """Hang up politely."""
        if not self.transport.is_closing():
            self.transport.write(masked(CLOSE, NORMAL_CLOSURE))
            self.transport.close()

    def start(self, window: Window) -> None:
        """Take part in a window, from now on."""
        self.acks, self.deliveries = bytearray(), bytearray()
        self.window = window

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(handshake(*self._peer, self.dialect.subprotocol))

    def connection_lost(self, exc: Exception | None) -> None:
        gone = RefusedError(f"the connection of {self.handle or 'nobody'} broke: {exc}")
        if not self._open.done():
            self._open.set_exception(gone)
        for waiting in self._waiting.values():
            waiting.set_exception(gone)
        self._waiting.clear()
        if self.window is not None:
            self.window.errors.append(str(gone))

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        if not self._open.done():
            data = self._upgraded(data)
        try:
            frames, used = spans(data)
        except WireError as error:
            self._fail(error)
            return
        self._rest = data[used:]
        if self.window is None:
            for opcode, start, end in frames:
                self._answered(opcode, data[start:end])
            return
        try:
            self._count(self.window, data, frames)
        except (ValueError, IndexError):
            self._fail(WireError(f"an id that nobody sent, to {self.handle}"))

    def _upgraded(self, data: bytes) -> bytes:
        head, found, rest = data.partition(b"\r\n\r\n")
        if not found:
            self._rest = data
            return b""
        self._rest = b""
        if b" 101 " in head.split(b"\r\n", 1)[0]:
            self._open.set_result(None)
            return rest
        self._open.set_exception(RefusedError(head.split(b"\r\n", 1)[0].decode("latin-1")))
        self.transport.close()
        return b""

    def _count(self, window: Window, data: bytes, frames: list[tuple[int, int, int]]) -> None:
        """The hot loop: what came, in this one read."""
        now, sent_at, first = monotonic_ns(), window.sent_at, window.first
        kind_at, mark = self.dialect.kind_at, self.dialect.id_mark
        width, timed, before = len(mark), self.timed, len(self.acks)
        acks, deliveries = self.acks, self.deliveries
        for opcode, start, end in frames:
            kind = data[start + kind_at] if opcode <= BINARY else 0
            if kind in ENTRIES:
                at = data.find(mark, start, end) + width
                id = data[at : at + ID_DIGITS]
                deliveries += id
                if timed:
                    window.delivery_ns.append(now - sent_at[int(id) - first])
            elif kind == ACK:
                at = data.find(mark, start, end) + width
                id = data[at : at + ID_DIGITS]
                acks += id
                window.ack_ns.append(now - sent_at[int(id) - first])
            else:
                self._answered(opcode, data[start:end])
        if len(acks) > before:
            window.acked(self, (len(acks) - before) // ID_DIGITS)

    def _answered(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.transport.write(masked(PONG, payload))
            return
        if opcode >= CLOSE:
            if opcode == CLOSE:
                self.close()
            return
        frame = self.dialect.decode(payload)
        waiting = self._waiting.pop(frame.get("id", ""), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(frame)
        elif frame["type"] in ("error", "goodbye") and self.window is not None:
            self.window.errors.append(str(frame))

    def _fail(self, error: Exception) -> None:
        if self.window is not None:
            self.window.errors.append(str(error))
        self.transport.abort()
