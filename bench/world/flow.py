"""One direction of one connection: bytes in order, each when it is due."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Literal, cast

from .weather import Way

WINDOW_BYTES = 16 << 20
"""What is on its way at most; a sender of more has to wait, as for a full socket buffer."""
SOON = 20e-6
"""Seconds. What is due so soon goes with what is due now."""

_RESET = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
"""What makes a close send RST, in place of FIN (socket(7))."""

End = Literal["eof", "close", "abort"]
"""How a stream ends: no more bytes from here, all closed in order, or reset."""


class Side(asyncio.Protocol):
    """One of the two sockets of a carried connection. What it reads goes into the flow `away`;
    what it writes comes from the flow `here`."""

    def __init__(self, made: Callable[[], None], closed: Callable[[], None]) -> None:
        """`made` is called when it is open, `closed` when it is not any more."""
        self.transport: asyncio.Transport | None = None
        self.away: Flow
        self.here: Flow
        self._made, self._closed = made, closed

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._made()

    def data_received(self, data: bytes) -> None:
        self.away.carry(data)

    def eof_received(self) -> bool:
        self.away.carry("eof")
        return True  # the other direction may go on

    def connection_lost(self, error: Exception | None) -> None:
        self.away.carry("abort" if error else "close")
        self._closed()

    def pause_writing(self) -> None:
        self.here.stop("full")

    def resume_writing(self) -> None:
        self.here.go("full")

    def end(self, how: End) -> None:
        """End it as the other side did."""
        if self.transport is None or self.transport.is_closing():
            return
        if how == "abort":
            self.transport.get_extra_info("socket").setsockopt(*_RESET)
            self.transport.abort()
        elif how == "close":
            self.transport.close()
        elif self.transport.can_write_eof():
            with suppress(OSError):  # it has just been reset
                self.transport.write_eof()


class Flow:
    """Pieces on their way from one side to the other."""

    def __init__(self, way: Way, source: Side, dest: Side, late: Counter[int]) -> None:
        """Lateness of each piece, in µs, is counted in `late`."""
        self._loop = asyncio.get_running_loop()
        self.way = way
        self._source, self._dest, self._late = source, dest, late
        self._pieces: deque[tuple[float, bytes | End]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._stopped: set[str] = set()
        self.held = 0
        """Bytes on their way."""
        self.carried = 0
        """Bytes that arrived."""

    def carry(self, piece: bytes | End) -> None:
        """Something enters."""
        size = len(piece) if isinstance(piece, bytes) else 0
        self._pieces.append((self.way.due(self._loop.time(), size), piece))
        self.held += size
        if self.held > WINDOW_BYTES:
            self._read(on=False)
        if len(self._pieces) == 1:
            self._arm()

    def stop(self, why: str) -> None:
        """Let nothing leave until `go` for this reason, and for each other one."""
        self._stopped.add(why)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def go(self, why: str, not_before: float = 0.0) -> None:
        """Carry on, at `not_before` at the earliest."""
        self._stopped.discard(why)
        if not_before:
            self.way.wait_until(not_before)
            late = [(max(due, not_before), piece) for due, piece in self._pieces]
            self._pieces = deque(late)
        self._arm()

    def drop(self) -> None:
        """Forget what is on its way."""
        self._pieces.clear()
        self.held = 0

    def _arm(self) -> None:
        if self._pieces and not self._stopped and self._timer is None:
            self._timer = self._loop.call_at(self._pieces[0][0], self._deliver)

    def _deliver(self) -> None:
        """Write what is due."""
        self._timer = None
        now = self._loop.time()
        while self._pieces and self._pieces[0][0] <= now + SOON and not self._stopped:
            due, piece = self._pieces.popleft()
            self._late[max(0, round((now - due) * 1e6))] += 1
            if isinstance(piece, bytes):
                self._write(piece)
            else:
                self._dest.end(piece)
        if self.held <= WINDOW_BYTES // 2:
            self._read(on=True)
        self._arm()

    def _write(self, piece: bytes) -> None:
        self.held -= len(piece)
        self.carried += len(piece)
        to = self._dest.transport
        if to is not None and not to.is_closing():
            to.write(piece)

    def _read(self, *, on: bool) -> None:
        """Have the source read on, or not. Both may be said twice."""
        source = self._source.transport
        if source is not None and not source.is_closing():
            (source.resume_reading if on else source.pause_reading)()
