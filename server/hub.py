"""Who is connected here, and who is in which room.

A `Party` is an account with at least one connection; a `Room` is a room with at least one
connected member. Both know the last `seq` announced, so that after a lost store connection the hub
can fetch exactly what it missed. An entry is encoded once per encoding and the bytes are shared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from protocol.codec import Codec
from protocol.frames import HubFrame

from .limits import Bucket
from .wire import pack


class Listener(Protocol):
    """A connection, as the hub sees it."""

    codec: Codec
    put: Callable[[bytes], None]
    """Send bytes that are framed already."""

    def resync(self) -> None: ...


class Party:
    """An account that is connected here."""

    __slots__ = ("bucket", "listeners", "name", "rooms", "seq")

    def __init__(self, name: str) -> None:
        self.name = name
        self.listeners: dict[Listener, None] = {}
        self.rooms: set[str] = set()
        self.seq = 0
        """The last entry announced of the account's own box."""
        self.bucket: Bucket | None = None
        """How fast the account may post, over all its connections."""

    def everyone(self) -> list[Listener]:
        """Who listens now; a copy, because they may leave."""
        return list(self.listeners)


class Room:
    """A room with connected members, by encoding."""

    __slots__ = ("audience", "name", "seq")

    def __init__(self, name: str) -> None:
        self.name = name
        self.audience: dict[Codec, dict[Listener, None]] = {}
        self.seq = 0
        """The last entry announced of the room's box."""

    def add(self, listener: Listener) -> None:
        self.audience.setdefault(listener.codec, {})[listener] = None

    def remove(self, listener: Listener) -> None:
        listeners = self.audience.get(listener.codec)
        if listeners is not None:
            listeners.pop(listener, None)
            if not listeners:
                del self.audience[listener.codec]

    def everyone(self) -> list[Listener]:
        """Who listens now; a copy, because they may leave."""
        return [one for listeners in self.audience.values() for one in listeners]

    def __contains__(self, listener: Listener) -> bool:
        return listener in self.audience.get(listener.codec, ())


class Hub:
    """The connected parties and rooms of this process."""

    def __init__(self) -> None:
        self.parties: dict[str, Party] = {}
        self.rooms: dict[str, Room] = {}

    def enter(self, listener: Listener, name: str, seq: int, rooms: dict[str, int]) -> Party:
        """`listener` speaks for `name` from now on; `seq` and `rooms` say where the boxes stand."""
        for box, stands in ((name, seq), *rooms.items()):
            if not self.in_step(box, stands):
                self.resync(box)
        party = self.parties.get(name)
        if party is None:
            party = self.parties[name] = Party(name)
        party.seq = seq
        party.listeners[listener] = None
        for room, room_seq in rooms.items():
            self.join(party, room, room_seq)
            self.rooms[room].add(listener)
        return party

    def exit(self, listener: Listener, party: Party) -> None:
        """`listener` is gone."""
        party.listeners.pop(listener, None)
        for name in party.rooms:
            self._unhear(name, listener)
        if not party.listeners:
            self.parties.pop(party.name, None)

    def join(self, party: Party, name: str, seq: int) -> None:
        """`party` is a member of room `name`; all its connections hear it."""
        room = self.rooms.get(name)
        if room is None:
            room = self.rooms[name] = Room(name)
        room.seq = seq
        if name not in party.rooms:
            party.rooms.add(name)
            for listener in party.listeners:
                room.add(listener)

    def leave(self, party: Party, name: str) -> None:
        """`party` is no member of room `name` any more."""
        party.rooms.discard(name)
        for listener in party.listeners:
            self._unhear(name, listener)

    def _unhear(self, name: str, listener: Listener) -> None:
        room = self.rooms.get(name)
        if room is not None:
            room.remove(listener)
            if not room.audience:
                del self.rooms[name]

    def in_step(self, box: str, seq: int) -> bool:
        """Whether `seq` is the last entry of `box` that was announced, if anybody listens to it.

        If not, the store holds entries that somebody else wrote, or that could not be announced.
        """
        known = self.parties.get(box) or self.rooms.get(box)
        return known is None or known.seq == seq

    def resync(self, box: str) -> None:
        """Let whoever listens to `box` come in anew, from what was announced so far."""
        known = self.parties.get(box) or self.rooms.get(box)
        if known is not None:
            for listener in known.everyone():
                listener.resync()

    def boxes(self) -> Iterator[Party | Room]:
        """Every box that somebody connected here listens to."""
        yield from self.parties.values()
        yield from self.rooms.values()


def tell(listeners: Iterable[Listener], frame: HubFrame, skip: Listener | None = None) -> None:
    """Send `frame` to each of `listeners` but `skip`; encoded once where encodings do not mix."""
    codec: Codec | None = None
    data = b""
    for listener in listeners:
        if listener is skip:
            continue
        if listener.codec is not codec:
            codec = listener.codec
            data = pack(codec, frame)
        listener.put(data)
