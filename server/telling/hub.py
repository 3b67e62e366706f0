"""Who is connected here, and who is in which room.

A `Party` is an account with at least one connection; a `Room` is a room with at least one
connected member. Both are a `Box`, which knows the last `seq` announced here: entries are announced
in order, whoever wrote them and whichever way they came, and what the hub missed is found by
position. An entry is encoded once per encoding and the bytes are shared.
"""

from __future__ import annotations

from asyncio import TimerHandle
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

from protocol.codec import Codec
from protocol.errors import Code
from protocol.frames import HubFrame

from ..edge.limits import Bucket
from ..edge.wire import pack

if TYPE_CHECKING:
    from protocol.frames import Ack

    from ..peer import Peer
    from ..rooms.roster import Roster
    from .announcer import Item


PACE_UNKNOWN = -1
"""The `slow_s` of a room whose pace was not read yet."""


class Listener(Protocol):
    """A connection, as the hub sees it."""

    codec: Codec
    put: Callable[[bytes], None]
    """Send bytes that are framed already."""

    @property
    def coming(self) -> bool: ...

    def resync(self) -> None: ...


class Ahead:
    """What is known here of a box beyond the last entry that was announced."""

    __slots__ = ("behind", "items", "reading", "since", "timer")

    def __init__(self) -> None:
        self.items: dict[int, Item] = {}
        """Entries that wait for those before them, by seq."""
        self.since: dict[Listener, int] = {}
        """Listeners that have entries up to this seq already, as part of their welcome."""
        self.behind: list[tuple[int, Peer, Ack]] = []
        """Replayed acks that must not come before the entry they speak of."""
        self.timer: TimerHandle | None = None
        """Until the missing entries are read from the store."""
        self.reading = False


class Box:
    """A mailbox that somebody connected here listens to."""

    __slots__ = ("ahead", "name", "seq")

    def __init__(self, name: str, seq: int) -> None:
        self.name = name
        self.seq = seq
        """The last entry announced."""
        self.ahead: Ahead | None = None
        """None, as nearly always: nothing is known beyond `seq`."""

    def seq_of(self, listener: Listener) -> int:
        """Up to where `listener` has the box."""
        if self.ahead is None:
            return self.seq
        return max(self.seq, self.ahead.since.get(listener, 0))

    def everyone(self) -> list[Listener]:
        """Who listens now; a copy, because they may leave."""
        raise NotImplementedError

    def __contains__(self, listener: object) -> bool:
        raise NotImplementedError


class Party(Box):
    """An account that is connected here."""

    __slots__ = ("bucket", "lacking", "listeners", "past", "receipts", "rooms", "seen", "unread")

    def __init__(self, name: str, seq: int) -> None:
        super().__init__(name, seq)
        self.listeners: dict[Listener, None] = {}
        self.rooms: set[str] = set()
        self.bucket: Bucket | None = None
        """How fast the account may post, over all its connections."""
        self.receipts = True
        """Whether it tells, and is told, what was delivered and read."""
        self.lacking: WeakSet[Listener] = WeakSet()
        """Who came in without some of the rooms, because their partitions did not answer."""
        self.unread: dict[Listener, Collection[str]] = {}
        """Who is coming in, and the rooms of which it is not read yet where they stand; or who came
        in without them."""
        self.past: dict[Listener, dict[str, int]] = {}
        """Who came in with cursors of rooms that they were put out of: no joining up to there is
        news to them, though this hub may only now hear of it."""
        self.seen = True
        """Whether others may know when it is there."""

    def everyone(self) -> list[Listener]:
        return list(self.listeners)

    def lacks(self, listener: Listener, room: str) -> bool:
        """Whether `listener` came in, or comes in, without `room`, and may have a part of it."""
        return room in self.unread.get(listener, ())

    def __contains__(self, listener: object) -> bool:
        return listener in self.listeners


class Room(Box):
    """A room with connected members, by encoding."""

    __slots__ = ("audience", "midway", "roster", "slow_s")

    def __init__(self, name: str, seq: int) -> None:
        super().__init__(name, seq)
        self.audience: dict[Codec, dict[Listener, None]] = {}
        self.midway: WeakSet[Listener] | None = None
        """Who began to hear it somewhere behind the entry by which their account joined."""
        self.roster: Roster | None = None
        """Its members, once somebody asked for them."""
        self.slow_s = PACE_UNKNOWN
        """A member may write once in so many seconds; 0: as often as they like."""

    def add(self, listener: Listener) -> None:
        self.audience.setdefault(listener.codec, {})[listener] = None

    def whole_for(self, listener: Listener) -> bool:
        """Whether `listener` hears it, and from a place that its client knows."""
        return listener in self and (self.midway is None or listener not in self.midway)

    def remove(self, listener: Listener) -> None:
        listeners = self.audience.get(listener.codec)
        if listeners is not None:
            listeners.pop(listener, None)
            if not listeners:
                del self.audience[listener.codec]

    def everyone(self) -> list[Listener]:
        return [one for listeners in self.audience.values() for one in listeners]

    def __contains__(self, listener: object) -> bool:
        return any(listener in listeners for listeners in self.audience.values())


class Hub:
    """The connected parties and rooms of this process."""

    def __init__(self) -> None:
        self.parties: dict[str, Party] = {}
        self.rooms: dict[str, Room] = {}
        self.opened: Callable[[Room], None] = lambda room: None
        """Called when somebody here begins to listen to a room that nobody here listened to."""
        self.behind: Callable[[Box], None] = lambda box: None
        """Called when a box has entries in the store that were not announced here."""
        self.came: Callable[[Party], None] = lambda party: None
        """Called when an account's first connection here has come in."""
        self.went: Callable[[Party, Listener], None] = lambda party, listener: None
        """Called when a connection of an account is gone."""

    def find(self, name: str) -> Box | None:
        """The box `name`, if anybody here listens to it."""
        return self.parties.get(name) or self.rooms.get(name)

    def enter(self, listener: Listener, name: str, seq: int) -> Party:
        """`listener` speaks for `name` from now on, and has its box up to `seq`."""
        party = self.parties.get(name)
        if party is None:
            party = self.parties[name] = Party(name, seq)
        party.listeners[listener] = None
        self._stands(party, listener, seq)
        if len(party.listeners) == 1:
            self.came(party)
        return party

    def attend(self, listener: Listener, party: Party, name: str, seq: int) -> None:
        """`listener`, one of `party`, hears room `name` from now on, and has it up to `seq`."""
        room = self._room(name, seq)
        party.rooms.add(name)
        room.add(listener)
        self._stands(room, listener, seq)

    def follow(self, listener: Listener, name: str, seq: int) -> None:
        """`listener`, who speaks for no account, hears room `name` from `seq` on."""
        self._room(name, seq).add(listener)

    def unfollow(self, listener: Listener, name: str) -> None:
        """`listener` hears it no more."""
        self._unhear(name, listener)

    def exit(self, listener: Listener, party: Party) -> None:
        """`listener` is gone."""
        party.listeners.pop(listener, None)
        party.unread.pop(listener, None)
        party.past.pop(listener, None)
        _forget(party, listener)
        for name in party.rooms:
            self._unhear(name, listener)
        if not party.listeners:
            self.parties.pop(party.name, None)
        elif listener in party.lacking:
            self._tidy(party, listener)
        self.went(party, listener)

    def join(self, party: Party, name: str, seq: int) -> list[Listener]:
        """`party` is a member of room `name`; all its connections hear what follows `seq`. But not
        who came in without it, and may have a part of it: they will be asked to resume. Nor who is
        coming in, and may be told a part of it with the welcome: they hear it from there.

        Returns those who begin to hear it."""
        party.rooms.add(name)
        old = self.rooms.get(name)
        begin = [
            one
            for one in party.listeners
            if not (old is not None and one in old)
            and not party.lacks(one, name)
            and seq >= party.past.get(one, {}).get(name, 0)
        ]
        if begin:
            room = self._room(name, seq)
            for listener in begin:
                room.add(listener)
                self._stands(room, listener, seq)
                party.past.get(listener, {}).pop(name, None)
        return begin

    def join_midway(self, party: Party, name: str, seq: int) -> None:
        """The same, but it joined somewhere before `seq`. A client that has a cursor from before it
        was put out of the room would miss what lies between, and comes in anew."""
        behind = [one for one in party.listeners if name in party.past.get(one, ())]
        begin = self.join(party, name, seq)
        if begin:
            room = self.rooms[name]
            if room.midway is None:
                room.midway = WeakSet()
            room.midway.update(begin)
        for listener in behind:
            if listener in begin:
                listener.resync()

    def leave(self, party: Party, name: str) -> None:
        """`party` is no member of room `name` any more; or was none for a while, which listeners
        that have more of the room than the hub has told do not hear of."""
        room = self.rooms.get(name)
        if room is None or room.ahead is None:
            gone = list(party.listeners)
        else:
            since = room.ahead.since
            gone = [one for one in party.listeners if since.get(one, 0) <= room.seq]
        if len(gone) == len(party.listeners):
            party.rooms.discard(name)
        for listener in gone:
            self._unhear(name, listener)

    def drop(self, box: Box) -> None:
        """Forget `box` if it is a room that nobody here hears, and in which no ack waits."""
        if not isinstance(box, Room) or box.audience or self.rooms.get(box.name) is not box:
            return
        if box.ahead is None or all(item.ack is None for item in box.ahead.items.values()):
            del self.rooms[box.name]

    def forget(self, box: Box) -> None:
        """What is known of `box` does not hold any more, and all its people have gone."""
        ahead, box.ahead = box.ahead, None
        if ahead is not None:
            if ahead.timer is not None:
                ahead.timer.cancel()
            for item in ahead.items.values():
                if item.author is not None and item.ack is not None:  # or gone, too
                    item.author.refuse(Code.OUTCOME_UNKNOWN, item.ack.id)
        if isinstance(box, Room):
            for one in box.everyone():  # who listens for another region
                self._unhear(box.name, one)
                one.resync()
            self.drop(box)

    def resync(self, box: Box) -> None:
        """Let whoever listens to `box` come in anew, from what was announced so far."""
        for listener in box.everyone():
            listener.resync()

    def boxes(self) -> Iterator[Box]:
        """Every box that somebody connected here listens to."""
        yield from self.parties.values()
        yield from self.rooms.values()

    def _tidy(self, party: Party, gone: Listener) -> None:
        """Forget rooms that only `gone` brought, unheard: `party` may have been put out of them."""
        party.lacking.discard(gone)
        if not party.lacking:
            heard = [name for name in party.rooms if self._hears(party, name)]
            party.rooms.intersection_update(heard)

    def _hears(self, party: Party, name: str) -> bool:
        room = self.rooms.get(name)
        return room is not None and any(one in room for one in party.listeners)

    def _room(self, name: str, seq: int) -> Room:
        room = self.rooms.get(name)
        if room is None:
            room = self.rooms[name] = Room(name, seq)
            self.opened(room)
        return room

    def _stands(self, box: Box, listener: Listener, seq: int) -> None:
        """`listener` has `box` up to `seq`; others may not have been told as much yet."""
        if seq > box.seq:
            if box.ahead is None:
                box.ahead = Ahead()
            box.ahead.since[listener] = seq
            self.behind(box)

    def _unhear(self, name: str, listener: Listener) -> None:
        room = self.rooms.get(name)
        if room is not None:
            room.remove(listener)
            _forget(room, listener)
            self.drop(room)


def _forget(box: Box, listener: Listener) -> None:
    if box.ahead is not None:
        box.ahead.since.pop(listener, None)


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
