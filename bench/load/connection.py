"""One load connection: in a window what it gets is counted without decoding."""

from __future__ import annotations

from collections import deque
from time import monotonic_ns
from typing import TYPE_CHECKING

from .channel import Channel
from .dialects.base import Dialect
from .log import Log
from .wire import CLOSE, WireError, spans, whole

if TYPE_CHECKING:
    from .window import Window

TAIL = 48
"""Bytes by which a read is looked up; a frame's end holds what differs (number, time)."""


class Connection(Channel):
    """A `Channel`; outside a window messages are matched with what was asked, in a window they are
    counted and their ids are written down, for the gate."""

    def __init__(self, dialect: Dialect, host: str, port: int, name: str = "") -> None:
        super().__init__(dialect, host, port, name)
        self.number = 0
        """Its place among the connections of a window."""
        self.window: Window | None = None
        self.sends = False
        """Whether it sends in the window, and therefore gets acknowledgements."""
        self.acks, self.deliveries, self.settlements = Log(), Log(), Log()
        self.counted = 0
        """The newest running count, where acknowledgements count."""
        self.unanswered: deque[int] = deque()
        """The operations sent and not yet counted, there."""
        self.online: set[bytes] = set()
        """Of whom it was told that they are there."""
        self._recovered_at = 0

    def recover(self, ids: list[bytes]) -> None:
        """Put ids of missed entries before those that came here on their own."""
        self.deliveries.insert(self._recovered_at, b"".join(ids))

    def continues(self, earlier: Connection) -> None:
        """Take the place of a connection of the same account that is gone."""
        self.number, self.cursors = earlier.number, earlier.cursors
        self.acks, self.deliveries = earlier.acks, earlier.deliveries
        self._recovered_at = len(self.deliveries.ids)

    def start(self, window: Window, number: int, sends: bool) -> None:
        """Take part in a window, from now on."""
        self.acks, self.deliveries, self.settlements = Log(), Log(), Log()
        self.window, self.number, self.sends = window, number, sends
        self.unanswered.clear()

    # --- asyncio.Protocol ---

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.window is not None:
            self.window.lost(self, str(self.broken))

    def data_received(self, data: bytes) -> None:
        window = self.window
        if window is None:
            super().data_received(data)
            return
        if self._rest:
            data = self._rest + data
            self._rest = b""
        try:
            self._count(window, data)
        except WireError as error:
            window.complain(self, str(error))
            self.transport.abort()

    # --- in a window ---

    def _count(self, window: Window, data: bytes) -> None:
        """The hot path: what came, in this one read."""
        now = monotonic_ns()
        known = window.known.get(data[-TAIL:]) if window.shared else None
        if known is not None and known[0] == data:
            found = known[1]
        else:
            found = self._find(window, data, now)
        if found:
            self.deliveries.add(b"".join(found), now)
            if window.goes_on_with_delivery:
                window.delivered(self, found)

    def _find(self, window: Window, data: bytes, now: int) -> list[bytes]:
        """The ids delivered by `data`; the acknowledgements in it are passed on."""
        used, frames, plain = whole(data)
        cut = used < len(data)
        if cut:
            self._rest, data = data[used:], data[:used]
        acked = window.acks_in(data) if self.sends else []
        settled = window.settlements_in(data) if window.settles else []
        told = len(acked) + len(settled)
        mixed = not plain or self.dialect.batches
        found = window.deliveries_in(data) if mixed or told != frames else []
        odd = mixed or len(found) + told != frames
        clean = not odd or self._clean(window, data)
        if window.shared and clean and not acked and not cut:
            # Members of a room get the same bytes; whoever reads them again knows what they are.
            window.remember(data, found)
        if acked:
            window.acked(self, acked, now)
        if window.settles:
            window.settled(self, settled, now, data.count(self.dialect.accepted) - len(acked))
        return found

    def _clean(self, window: Window, data: bytes) -> bool:
        """Whether `data` holds nothing but messages that need neither answer nor complaint; those
        that do get it."""
        dialect, clean = self.dialect, True
        for opcode, start, end in spans(data)[0]:
            payload = data[start:end]
            if opcode >= CLOSE:
                self._control(opcode, payload)
            elif self._keeps_alive(payload):
                pass
            elif dialect.refusal.search(payload):
                window.turned_down(self, payload)
            elif not window.settles and window.settlements_in(payload):
                window.complain(self, f"{self.name} got {payload[:300]!r}, but no money travels")
            elif not self.sends and dialect.ack is not None and dialect.ack.search(payload):
                window.complain(self, f"{self.name} sent nothing and got {payload[:300]!r}")
            else:
                continue
            clean = False
        return clean

    # --- outside a window ---

    def _message(self, payload: bytes) -> bool:
        dialect = self.dialect
        if dialect.ack_counts and dialect.ack is not None and (ack := dialect.ack.search(payload)):
            self.counted = int(ack[1])
        known = super()._message(payload)
        if known:
            return True
        if found := dialect.delivery.findall(payload):
            self.deliveries.add(b"".join(found), monotonic_ns())
        elif dialect.arrival is not None and (came := dialect.arrival.search(payload)):
            self.online.add(came[1])
        return known
