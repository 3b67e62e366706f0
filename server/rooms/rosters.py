"""The rosters of the rooms that are served here: read once from the store, when somebody asks.

From then on the room's own entries keep them, which come to every hub that has a listener there;
see `roster`. A roster goes with the hub's last listener of the room. Whatever was announced before
the store's answer is in that answer, as both come by one connection in the store's order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from ..store.connection import Down
from .roster import Roster

if TYPE_CHECKING:
    from ..services import Services
    from ..telling.hub import Room

NAMES_MAX = 1_000_000
"""Names in all rosters that are kept; those of rooms asked about longest ago go first. About
150 MB."""

Take = Callable[[Roster | None], None]


class Rosters:
    """Hands out rosters."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._waiting: dict[str, list[Take]] = {}
        """Who waits for the roster of a room that is being read."""
        self._kept: dict[Room, int] = {}
        """How many names each had when last asked for, that longest ago first."""
        self.read = 0
        """Rosters read from the store."""
        self._log = structlog.get_logger("rosters")

    def ask(self, name: str, take: Take) -> None:
        """Give the roster of room `name` to `take`; None, if the store does not answer.

        Raises:
            Down: there is no store; nothing was asked.
        """
        room = self._services.hub.rooms.get(name)
        if room is not None and room.roster is not None:
            self._keep(room, room.roster)
            take(room.roster)
            return
        waiting = self._waiting.setdefault(name, [])
        waiting.append(take)
        if len(waiting) == 1:
            try:
                self._read(name)
            except Down:
                del self._waiting[name]
                raise

    def _read(self, name: str) -> None:
        keys = self._services.keyspace.of(name)

        def come(replies: list[object]) -> None:
            roster = self._made(name, replies[0])
            room = self._services.hub.rooms.get(name)
            if roster is not None and room is not None:
                room.roster = roster
                self._keep(room, roster)
            for take in self._waiting.pop(name, ()):
                take(roster)

        self._services.pipeline_of(keys.partition).read([("HGETALL", keys.members)], come)
        self.read += 1

    def _made(self, name: str, stored: object) -> Roster | None:
        if not isinstance(stored, dict):  # lost or refused
            return None
        try:
            return Roster(stored)
        except ValueError:
            self._log.exception("the members of a room cannot be read", room=name)
            return None

    def _keep(self, room: Room, roster: Roster) -> None:
        """`room` was asked for last; let go of rosters, if there are too many names."""
        kept, rooms = self._kept, self._services.hub.rooms
        kept.pop(room, None)
        kept[room] = len(roster)
        if sum(kept.values()) > NAMES_MAX:
            for gone in [one for one in kept if rooms.get(one.name) is not one]:
                del kept[gone]
        while sum(kept.values()) > NAMES_MAX and len(kept) > 1:
            oldest = next(iter(kept))
            oldest.roster = None
            del kept[oldest]
