"""Who tells, and is told, how far a conversation was delivered and read.

Who turns receipts off in their profile tells nobody, and is told nothing: their markers, and those
for them, stay in the box of whoever marked, which needs them for itself. In a room a marker is kept
in one's own box; while it is small, those who listen there are told at once, by a frame that has
neither box nor place, is not kept, and is shed like typing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from protocol.frames import Delivered, DeliveredEntry, Read, ReadEntry

from ..commit.replies import read_all
from ..telling.hearing import tell_notice

if TYPE_CHECKING:
    from ..peer import Peer
    from ..services import Services

MEMBERS_MAX = 250
"""In rooms with more members nobody is told who has read what: each would be told by each."""
FRESH_S = 5.0
"""How long it is believed that somebody who is not connected here wants receipts, or not."""
SIZE_FRESH_S = 60.0
"""The same of how many members a room has."""
KNOWN_MAX = 20_000
"""So many of both are remembered; the oldest are forgotten."""
FIELD = "receipts"
OFF = b"0"
T = TypeVar("T")


class Receipts:
    """Knows who wants receipts, and tells small rooms."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._wants: dict[str, tuple[float, bool]] = {}
        self._sizes: dict[str, tuple[float, int]] = {}

    def wants(self, name: str) -> bool | None:
        """Whether `name` wants receipts; None: `ask` must find out."""
        services = self._services
        party = services.hub.parties.get(name)
        if party is not None:
            return party.receipts
        if name in services.keyspace.abroad:  # their own region's hub decides
            return True
        until, wants = self._wants.get(name, (0.0, True))
        return wants if until > services.now() else None

    def ask(self, name: str, then: Callable[[bool | None], None]) -> None:
        """Read whether `name` wants receipts; None: the store cannot say now."""
        keys = self._services.keyspace.of(name)

        def found(replies: dict[int, list[object]] | None) -> None:
            if replies is None:
                then(None)
                return
            wants = replies[keys.partition][0] != OFF
            _keep(self._wants, name, (self._services.now() + FRESH_S, wants))
            then(wants)

        read_all(self._services, {keys.partition: [("HGET", keys.profile, FIELD)]}, found)

    def tell_room(self, peer: Peer, frame: Read | Delivered) -> None:
        """Tell those who listen to the room of `frame` now, if it is small."""
        party, services, room = peer.party, self._services, frame.to
        if party is None or not party.receipts or room not in party.rooms:
            return
        if room in services.keyspace.abroad:
            return
        until, size = self._sizes.get(room, (0.0, 0))
        if until > services.now():
            self._tell(peer.handle, frame, size)
            return
        keys = services.keyspace.of(room)

        def found(replies: dict[int, list[object]] | None) -> None:
            size = None if replies is None else replies[keys.partition][0]
            if isinstance(size, int):
                _keep(self._sizes, room, (services.now() + SIZE_FRESH_S, size))
                self._tell(peer.handle, frame, size)

        read_all(services, {keys.partition: [("HLEN", keys.members)]}, found)

    def _tell(self, who: str, frame: Read | Delivered, size: int) -> None:
        if size > MEMBERS_MAX:
            return
        make = ReadEntry if isinstance(frame, Read) else DeliveredEntry
        told = make(frame.id, who, frame.to, frame.up_to)
        services = self._services
        tell_notice(services.hub, services.counters, frame.to, told)
        services.relay.notice(frame.to, told)


def _keep(known: dict[str, T], name: str, value: T) -> None:
    known.pop(name, None)
    known[name] = value
    if len(known) > KNOWN_MAX:
        del known[next(iter(known))]
