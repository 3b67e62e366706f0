"""Tells entries to those who listen: each box in its order, whichever way an entry came.

An entry reaches this hub as the answer to a post of its own, as another hub's word, or as a reading
of what was missed. All of them end in `Announcer.put`. The next of a box is told at once, and
entries of one room that stand together are joined once and put to each listener as one piece. What
is further ahead waits for those before it. What was told already is told to nobody. A connection
that posted one of the entries gets its ack at that very place, so that it too sees each box in
order; only if the entry was told before its answer came, the ack comes behind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from protocol.codec import Codec
from protocol.frames import Ack, BalanceAfter, Entry, JoinEntry, TopicEntry

from ..edge.wire import pack
from ..peer import Peer
from ..rooms.roster import OF_ROOMS, comer, goer
from .hub import Ahead, Box, Hub, Party, Room, tell

Balance = BalanceAfter | UnsetType


class Item(NamedTuple):
    """An entry that waits for those before it in its box."""

    at: int
    entry: Entry
    balance: Balance
    author: Peer | None
    """Who gets `ack` in place of the entry."""
    ack: Ack | None


class Announcer:
    """Keeps the order of every box that somebody here listens to."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._room: Room | None = None
        """The room whose entries are being collected."""
        self._collected: list[tuple[Entry, Peer | None, Ack | None]] = []
        self.missing: Callable[[Box], None] = lambda box: None
        """Called when entries of a box are missing here; more than once for the same ones."""
        self.heeds: dict[type[Entry], Callable[[Party, Any], None]] = {}
        """What this hub itself does about an entry of an account's own box, once it was told."""

    def heed(self, kind: type[Entry], do: Callable[[Party, Any], None]) -> None:
        """Also `do` this about entries of a kind in an account's own box."""
        before = self.heeds.get(kind)

        def both(party: Party, entry: Any) -> None:
            if before is not None:
                before(party, entry)
            do(party, entry)

        self.heeds[kind] = both

    def put(
        self,
        box: Box,
        seq: int,
        at: int,
        entry: Entry,
        balance: Balance = UNSET,
        author: Peer | None = None,
        ack: Ack | None = None,
    ) -> None:
        """Entry `seq` of `box` is committed since `at`: tell it now, or at its turn.

        `author` gets `ack` instead, if there is one. `flush` must follow.
        """
        if box.ahead is None and seq == box.seq + 1:
            show = self._collect if box.__class__ is Room else self._tell
            show(box, seq, at, entry, balance, author, ack)
        elif seq > box.seq:
            self._keep(box, seq, Item(at, entry, balance, author, ack))
        elif author is not None and ack is not None:
            self.flush()
            self.acknowledge(box, author, ack)

    def acknowledge(self, box: Box, author: Peer, ack: Ack) -> None:
        """Send `ack` of what was told already, or is told by nobody here. A member who does not
        hear the room would take it for its cursor, and miss what stands before: it comes in anew,
        and asks again. So does who came in without it, or with a cursor from before they were put
        out of it; but a replayed ack may be older than that."""
        self.acknowledge_in(box.name, author, ack, author in box)

    def acknowledge_in(self, name: str, author: Peer, ack: Ack, hears: bool = False) -> None:
        """The same, by the name of the box."""
        party = author.party
        if not hears and party is not None and _has_a_hole(party, author, name, ack):
            author.resync()
        else:
            author.send(ack)

    def replay(self, box: Box, seq: int, author: Peer, ack: Ack) -> None:
        """Entry `seq` of `box` was posted before: `author` gets `ack` again, but not before the
        entry, which this hub may not have heard of yet. A client that took the ack for its cursor
        would miss what lies between."""
        self.flush()
        if author not in box or seq <= box.seq_of(author):
            self.acknowledge(box, author, ack)
            return
        if box.ahead is None:
            box.ahead = Ahead()
        box.ahead.behind.append((seq, author, ack))
        self.missing(box)

    def flush(self) -> None:
        """Tell what was collected of a room."""
        room, self._room = self._room, None
        if room is None:
            return
        collected, self._collected = self._collected, []
        authors: dict[Peer, dict[int, Ack]] = {}
        for place, (_, author, ack) in enumerate(collected):
            if author is not None and ack is not None:
                authors.setdefault(author, {})[place] = ack
        for codec, listeners in room.audience.items():
            pieces = [pack(codec, entry) for entry, _, _ in collected]
            whole = b"".join(pieces)
            for listener in listeners:
                if listener in authors:
                    listener.put(_with_acks(codec, pieces, authors[listener]))
                else:
                    listener.put(whole)
        for author, acks in authors.items():
            if author not in room:
                for ack in acks.values():
                    self.acknowledge(room, author, ack)

    def _tell(
        self,
        party: Box,
        seq: int,
        at: int,
        entry: Entry,
        balance: Balance,
        author: Peer | None,
        ack: Ack | None,
    ) -> None:
        assert isinstance(party, Party)
        if self._room is not None:
            self.flush()
        party.seq = seq
        listeners = party.listeners
        if author is not None and ack is not None:
            author.send(ack)
            if len(listeners) != 1 or author not in listeners:
                tell(listeners, _placed(entry, party.name, seq, at, balance), author)
        else:
            tell(listeners, _placed(entry, party.name, seq, at, balance))
        if entry.__class__ in self.heeds:
            self.heeds[entry.__class__](party, entry)

    def _collect(
        self,
        room: Box,
        seq: int,
        at: int,
        entry: Entry,
        balance: Balance,
        author: Peer | None,
        ack: Ack | None,
    ) -> None:
        assert isinstance(room, Room)
        if self._room is not room:
            self.flush()
        changes = entry.__class__ in OF_ROOMS
        if changes:
            self._come(room, entry, at)
        wrote = ack is not None and author is not None and self._wrote(room, entry, author)
        if (changes or wrote) and self._moved(room, Item(at, entry, balance, author, ack)):
            return
        self._room = room
        room.seq = seq
        self._collected.append((_placed(entry, room.name, seq, at, UNSET), author, ack))
        if changes:
            self._go(room, entry)

    # Out of step.

    def settle(self, box: Box) -> None:
        """What the store holds of `box` was read: go back in step if nothing is outstanding."""
        if box.ahead is not None:
            self._advance(box, box.ahead)

    def look(self, box: Box) -> None:
        """The store may hold entries of `box` that nobody told: read them."""
        if box.ahead is None:
            box.ahead = Ahead()
        self.missing(box)

    def _keep(self, box: Box, seq: int, item: Item) -> None:
        ahead = box.ahead
        if ahead is None:
            ahead = box.ahead = Ahead()
        # Whoever writes into a room is a member, or will be when what stands before was told.
        waits = isinstance(box, Room) or item.author in box
        if item.ack is not None and item.author is not None and not waits:
            self.flush()
            self.acknowledge(box, item.author, item.ack)
            item = item._replace(author=None, ack=None)
        if item.ack is not None or seq not in ahead.items:
            ahead.items[seq] = item
        self._advance(box, ahead)

    def _advance(self, box: Box, ahead: Ahead) -> None:
        """Tell what has its turn now."""
        show = self._collect if isinstance(box, Room) else self._tell
        while (item := ahead.items.pop(box.seq + 1, None)) is not None:
            if self._moved(box, item):
                continue
            if ahead.since:
                self._tell_some(box, box.seq + 1, item, ahead)
            else:
                show(box, box.seq + 1, *item)
        for listener in [one for one, seq in ahead.since.items() if seq <= box.seq]:
            del ahead.since[listener]
        if ahead.behind:
            self._replay(box, ahead)
        if ahead.items or ahead.since or ahead.behind:
            self.missing(box)
            return
        box.ahead = None
        if ahead.timer is not None:
            ahead.timer.cancel()
        self._hub.drop(box)

    def _moved(self, box: Box, item: Item) -> bool:
        """Whether somebody opened the room anew after all had left it, while entries waited: then
        those who listen now, and so are told of `item`, are with another `Box`."""
        current = self._hub.rooms.get(box.name)
        if current is None or current is box or not isinstance(box, Room):
            return False
        box.seq += 1
        self.put(current, box.seq, *item)
        return True

    def _replay(self, box: Box, ahead: Ahead) -> None:
        """Send the acks whose entries were told."""
        self.flush()
        waiting, ahead.behind = ahead.behind, []
        for seq, author, ack in waiting:
            if author not in box or seq <= box.seq_of(author):
                self.acknowledge(box, author, ack)
            else:
                ahead.behind.append((seq, author, ack))

    def _tell_some(self, box: Box, seq: int, item: Item, ahead: Ahead) -> None:
        """Tell an entry that some have from their welcome."""
        self.flush()
        if isinstance(box, Room):
            self._come(box, item.entry, item.at)
            if item.author is not None and item.ack is not None:
                self._wrote(box, item.entry, item.author)
        box.seq = seq
        since = ahead.since
        if item.author is not None and item.ack is not None:
            if since.get(item.author, 0) >= seq:  # it was put into the middle: it begins here
                del since[item.author]
            self.acknowledge(box, item.author, item.ack)
        wanting = [one for one in box.everyone() if since.get(one, 0) < seq]
        placed = _placed(item.entry, box.name, seq, item.at, item.balance)
        tell(wanting, placed, item.author if item.ack is not None else None)
        if isinstance(box, Room):
            self._go(box, item.entry)
        elif isinstance(box, Party) and item.entry.__class__ in self.heeds:
            self.heeds[item.entry.__class__](box, item.entry)

    # Who comes to a room or goes, by whoever's hand, does so at that place of it, at every hub.

    def _come(self, room: Room, entry: Entry, at: int) -> None:
        if room.roster is not None:
            room.roster.take(entry, at)
        if isinstance(entry, TopicEntry) and isinstance(entry.slow_s, int):
            room.slow_s = entry.slow_s
        party = self._hub.parties.get(comer(entry))
        if party is not None and (room.name not in party.rooms or room.ahead is not None):
            self.flush()
            self._hub.join(party, room.name, room.seq)

    def _wrote(self, room: Room, entry: Entry, author: Peer) -> bool:
        """Whoever writes into a room is a member, also if the word of it is still on its way: it is
        heard from here on. Whether that is new."""
        party = author.party
        if party is None or room.name in party.rooms or party.lacks(author, room.name):
            return False
        if isinstance(entry, JoinEntry) and entry.asks:
            return False
        self.flush()
        self._hub.join_midway(party, room.name, room.seq)
        return True

    def _go(self, room: Room, entry: Entry) -> None:
        party = self._hub.parties.get(goer(entry))
        if party is not None and room.name in party.rooms:
            self.flush()
            self._hub.leave(party, room.name)


def _has_a_hole(party: Party, author: Peer, name: str, ack: Ack) -> bool:
    """Whether the client of `author`, who does not hear `name`, would miss what is before `ack`."""
    if name in party.rooms or party.lacks(author, name):
        return True
    return not ack.replayed and name in party.past.get(author, ())


def _placed(entry: Entry, box: str, seq: int, at: int, balance: Balance) -> Entry:
    if balance is UNSET:
        return replace(entry, box=box, seq=seq, at=at)
    return replace(entry, box=box, seq=seq, at=at, balance=balance)


def _with_acks(codec: Codec, pieces: list[bytes], acks: dict[int, Ack]) -> bytes:
    """The collected entries for one who sent some of them: acks stand in the places of these."""
    mine = pieces.copy()
    for place, ack in acks.items():
        mine[place] = pack(codec, ack)
    return b"".join(mine)
