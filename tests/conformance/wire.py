"""A connection without a socket: what comes in, and how it is cut, is up to the test."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from server.edge.edge import Edge
from server.edge.outbox import Flusher
from server.edge.transport import Connection
from server.edge.wire import BINARY, TEXT, header

TEXT_OP, BINARY_OP, CONT, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
KEY = b"\x01\x82\x43\xf4"
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def frame(
    opcode: int,
    payload: bytes = b"",
    fin: bool = True,
    key: bytes | None = KEY,
    rsv: int = 0,
    width: int | None = None,
) -> bytes:
    """A client's frame, as RFC 6455 section 5.2 draws it; `width`: bytes of extended length."""
    length = len(payload)
    if width is None:
        width = 0 if length < 126 else 2 if length < 65_536 else 8
    short = {0: length, 2: 126, 8: 127}[width]
    head = bytes([fin << 7 | rsv << 4 | opcode, (key is not None) << 7 | short])
    head += length.to_bytes(width, "big") if width else b""
    if key is None:
        return head + payload
    masked = bytes(byte ^ key[place % 4] for place, byte in enumerate(payload))
    return head + key + masked


class Line(asyncio.Transport):
    """Keeps what the hub writes."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False
        self.paused = False

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def write(self, data: bytes) -> None:
        assert not self.closed, "a write after the close"
        self.written += data

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


class Guest:
    """Notes what it gets and sends it back, so that the order of the answers shows; `quit` ends."""

    def __init__(self, connection: Connection) -> None:
        self.messages: list[tuple[bytes, bool]] = []
        self._connection = connection

    def receive(self, payload: bytes, text: bool) -> None:
        self.messages.append((payload, text))
        if payload == b"quit":
            self._connection.close(4500)
            return
        data = header(TEXT if text else BINARY, len(payload)) + payload
        self._connection.outbox.put(data)

    def lost(self) -> None: ...

    def slow(self) -> None: ...


class Wired:
    """An open connection of the hub's edge on a `Line`."""

    def __init__(self, frame_bytes_max: int = 128 * 1024) -> None:
        loop = asyncio.get_running_loop()
        self.line = Line()
        self.guest: Guest | None = None
        edge = Edge(
            Flusher(loop),
            self._welcome,  # type: ignore[arg-type]
            lambda path: (404, "text/plain", ""),
            frame_bytes_max=frame_bytes_max,
        )
        self.connection = Connection(edge)
        self.connection.connection_made(self.line)

    def _welcome(self, connection: Connection, codec: object) -> Guest:
        self.guest = Guest(connection)
        return self.guest

    @property
    def holds_library(self) -> bool:
        """Whether the connection keeps an object of the WebSocket library."""
        return self.connection._library is not None

    async def open(self) -> Wired:
        await self.feed([HANDSHAKE])
        assert self.line.written.startswith(b"HTTP/1.1 101 ")
        self.line.written = b""
        return self

    async def feed(self, reads: Iterable[bytes]) -> None:
        """Give the connection one read after the other, then let it write."""
        for data in reads:
            while self.line.paused:  # noqa: ASYNC110 (the socket keeps it)
                await asyncio.sleep(0)
            if not self.line.closed:
                self.connection.data_received(data)
        await asyncio.sleep(0)
        while self.line.paused:  # noqa: ASYNC110
            await asyncio.sleep(0)

    def hang_up(self) -> None:
        self.connection.connection_lost(None)


Outcome = tuple[list[tuple[bytes, bool]], bytes, bool]
"""Messages, bytes written, and whether the hub closed."""


async def outcome(reads: Iterable[bytes], frame_bytes_max: int = 128 * 1024) -> Outcome:
    """What an open connection makes of `reads`."""
    wired = await Wired(frame_bytes_max).open()
    await wired.feed(reads)
    wired.hang_up()
    assert wired.guest is not None
    return wired.guest.messages, wired.line.written, wired.line.closed
