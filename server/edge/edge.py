"""What all connections of a hub share: who they are, and how a storm of them comes in."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from protocol.codec import Codec

from .handshake import Reply
from .outbox import Flusher

if TYPE_CHECKING:
    from .transport import Connection

FAST_BYTES_MAX = 4_096
"""Frames up to this size take the fast path; a half-read one is kept and joined, which would be
costly for larger ones."""
HANDSHAKES_PER_TURN = 4
"""Requests that are read in one turn of the loop; each takes about as long as ten messages."""


class Guest(Protocol):
    """Who sits behind a connection."""

    def receive(self, payload: bytes, text: bool) -> None: ...

    def lost(self) -> None: ...

    def slow(self) -> None: ...


@dataclass
class Edge:
    """What all connections of a hub share."""

    flusher: Flusher
    welcome: Callable[[Connection, Codec], Guest]
    """Makes the guest of a connection whose handshake is done."""
    answer: Callable[[str, Reply], None]
    """Answers a plain GET of a path, now or soon."""
    origins: list[str] | None = None
    """Values of `Origin` that browsers may come from; None: any. Clients without one may come."""
    frame_bytes_max: int = 128 * 1024
    outbox_bytes_max: int = 1024 * 1024
    connections_max: int = 100_000
    admit: Callable[[str], int] = lambda address: 0
    """Milliseconds that a new connection from an address should wait before it tries again; 0: come
    in."""
    proxies: frozenset[str] = frozenset()
    """Addresses of proxies, whose word about where a client is counts."""
    link: Callable[[Connection], Guest] | None = None
    """Makes the guest of a connection of another region's hub; None: there are no regions."""
    tick: int = 0
    """A coarse clock, in seconds, for idle time-outs."""
    connections: set[Connection] = field(default_factory=set)
    shaking: deque[tuple[Connection, bytes]] = field(default_factory=deque)
    """Requests that wait to be read."""
    _shaken: int = 0
    """Those read in this turn of the loop."""

    def __post_init__(self) -> None:
        self.fast_bytes_max = min(FAST_BYTES_MAX, self.frame_bytes_max)

    def shake(self, connection: Connection, data: bytes) -> None:
        """Read what came of a request, now or soon: only a few in each turn of the loop, so that a
        storm of connections does not make the others wait."""
        if not self._shaken:
            asyncio.get_running_loop().call_soon(self._next_turn)
        if self._shaken < HANDSHAKES_PER_TURN:
            self._shaken += 1
            connection.shake_hands(data)
        else:
            self.shaking.append((connection, data))
            connection.transport.pause_reading()  # what follows must not overtake it

    def _next_turn(self) -> None:
        self._shaken = min(HANDSHAKES_PER_TURN, len(self.shaking))
        for _ in range(self._shaken):
            connection, data = self.shaking.popleft()
            connection.shake_hands(data)
            if not connection.transport.is_closing():
                connection.transport.resume_reading()
        if self._shaken:
            asyncio.get_running_loop().call_soon(self._next_turn)
