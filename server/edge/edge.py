"""What all connections of a hub share: who they are, and how a storm of them comes in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from protocol.codec import Codec

from .aside import Aside
from .handshake import Reply
from .outbox import Flusher

if TYPE_CHECKING:
    from .transport import Connection

FAST_BYTES_MAX = 4_096
"""Frames up to this size take the fast path; a half-read one is kept and joined, which would be
costly for larger ones."""


class Guest(Protocol):
    """Who sits behind a connection."""

    def receive(self, payload: bytes, text: bool) -> None: ...

    def lost(self) -> None: ...

    def slow(self) -> None: ...


class Comer(Protocol):
    """Who may come in."""

    @property
    def coming(self) -> bool:
        """Whether they have asked to, and were not answered yet."""


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
    aside: Aside = field(default_factory=Aside)
    """Where requests wait to be read."""

    def __post_init__(self) -> None:
        self.fast_bytes_max = min(FAST_BYTES_MAX, self.frame_bytes_max)

    def shake(self, connection: Connection, data: bytes) -> None:
        """Read what came of a request, now or soon, so that a storm of connections does not make
        those who talk wait."""
        if self.aside.at_once(lambda: connection.shake_hands(data)):
            return
        connection.transport.pause_reading()  # what follows must not overtake it

        def read() -> None:
            connection.shake_hands(data)
            if not connection.transport.is_closing():
                connection.transport.resume_reading()

        self.aside.put(read)
