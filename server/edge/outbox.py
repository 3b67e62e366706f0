"""What is on its way to one connection: bounded in bytes, written once per loop tick.

Every frame of a tick is collected and leaves in one write, however many there are; that is most of
the speed of the fan-out. A reader that is too slow fills its outbox and is closed with its cursors:
it loses nothing, because it resumes. The shape is centrifuge's (bounded queue, `slow` as a named
outcome).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Flusher:
    """Writes every outbox that got something in this tick; one callback for all of them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._dirty: list[Outbox] = []

    def add(self, outbox: Outbox) -> None:
        """`outbox` has something to write."""
        if not self._dirty:
            self._loop.call_soon(self._flush)
        self._dirty.append(outbox)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for outbox in dirty:
            outbox.flush()


class Outbox:
    """Frames that wait for one connection's socket."""

    __slots__ = ("_chunks", "_flusher", "_on_full", "_paused", "_size", "_transport", "limit")

    def __init__(
        self,
        transport: asyncio.Transport,
        flusher: Flusher,
        limit: int,
        on_full: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._flusher = flusher
        self.limit = limit
        """Bytes that may wait."""
        self._on_full = on_full
        self._chunks: list[bytes] = []
        self._size = 0
        self._paused = False

    @property
    def size(self) -> int:
        """Bytes that wait because the socket takes no more (the transport holds a few more)."""
        return self._size

    @property
    def full(self) -> bool:
        """Whether more waits than the limit allows; a burst that the socket took is none."""
        return self._size > self.limit

    def put(self, data: bytes) -> None:
        """Send `data` with this tick's write. More waits than the limit: the reader is slow."""
        chunks = self._chunks
        if self._paused:
            self._size += len(data)
            if self._size > self.limit:
                self._on_full()
        elif not chunks:
            self._flusher.add(self)
        chunks.append(data)

    def flush(self) -> None:
        """Hand everything to the socket, unless it has enough already, or is gone."""
        chunks = self._chunks
        if self._paused or not chunks:
            return
        self._chunks = []
        if self._transport.is_closing():  # uvloop raises on a write to a socket that was cut
            return
        self._transport.write(chunks[0] if len(chunks) == 1 else b"".join(chunks))

    def pause(self) -> None:
        """The socket takes no more for now."""
        self._paused = True
        self._size = sum(map(len, self._chunks))

    def resume(self) -> None:
        """The socket takes more."""
        self._paused = False
        self._size = 0
        self.flush()
