"""What a frame speaks of: the entry that its `ref` names, read before the frame is posted.

An entry never changes, so what is found here still holds when the post is judged. It is found by
its duplicate mark, which says where it stands. Marks of words are kept for seven days; of what is
older, and of what was posted in another region, nothing is known here, and readers fold it by the
same rules.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from protocol.frames import Entry, Ref

from ..commit.replies import read_all
from ..ledger.entries import read_entry
from ..ledger.notes import DELETES, EDITS, field, seqs_of
from ..ledger.posts import Mark
from ..ledger.routing import mark_of
from ..store.connection import Command

if TYPE_CHECKING:
    from ..peer import Peer
    from ..services import Services


class Subject(NamedTuple):
    """What is known of an entry."""

    entry: Entry | None = None
    """Without its words; None if it cannot be had."""
    elsewhere: bool = False
    """It was posted here and stands in another region."""
    missing: bool = False
    """There is no such entry in this conversation."""
    money: bool = False
    deleted: bool = False
    hidden: bool = False
    """From oneself, by oneself."""
    edits: int = 0
    """How often it was edited."""
    stranger: bool = False
    """Who asks is no member of the room, and may learn nothing."""


Take = Callable[[Subject | None], None]
MISSING = Subject(missing=True)


class _Search:
    """One search for the entry `ref` of the conversation with `to`."""

    def __init__(self, services: Services, peer: Peer, to: str, ref: Ref, take: Take) -> None:
        self._services = services
        self._me = peer.handle
        self._own = peer.keys
        self._to = to
        self._ref = ref
        self._take = take
        self._marks: list[int] = []
        """Partitions where its mark may be."""
        self._role = 0
        """Where the role in the room stands among the answers of the room's partition."""

    def begin(self) -> None:
        """Read its marks, and what was noted of it in this conversation."""
        ref, to, party_of = self._ref, self._to, self._services.keyspace.party
        author, room = party_of(ref.from_), party_of(to) if to[0] == "#" else None
        if room is None and ref.from_ not in (self._me, to):
            self._take(MISSING)
            return
        home = self._own if room is None else room
        self._marks = [one for one in dict.fromkeys((home.partition, author.partition)) if one >= 0]
        if room is None:
            self._marks = [author.partition] if author.partition >= 0 else []
        wanted: dict[int, list[Command]] = {}
        for partition in self._marks:
            mark = mark_of(self._services.keyspace, partition, ref.from_, ref.id)
            wanted[partition] = [("GET", mark)]
        if home.partition >= 0:
            fields = [field(letter, ref.from_, ref.id) for letter in (DELETES, EDITS)]
            asked = wanted.setdefault(home.partition, [])
            asked.append(("HMGET", home.refs, *fields))
            if room is not None:  # the hub may not know yet who came in with the frame before
                self._role = len(asked)
                asked.append(("HGET", room.members, self._me))
        hidden: Command = ("HEXISTS", self._own.refs, field(DELETES, ref.from_, ref.id))
        wanted.setdefault(self._own.partition, []).append(hidden)
        read_all(self._services, wanted, self._found)

    def _found(self, replies: dict[int, list[object]] | None) -> None:
        if replies is None:
            self._take(None)
            return
        if (
            self._role
            and replies[self._services.keyspace.of(self._to).partition][self._role] is None
        ):
            self._take(Subject(stranger=True))
            return
        lists = [one for some in replies.values() for one in some if isinstance(one, list)]
        deleted, edits = lists[0] if lists else (None, None)
        known = Subject(
            deleted=deleted is not None,
            hidden=replies[self._own.partition][-1] == 1,
            edits=len(seqs_of(edits)),
        )
        for partition in self._marks:
            stored = replies[partition][0]
            if isinstance(stored, bytes):
                self._read(known, partition, Mark(stored))
                return
        ages, id = self._services.ages, self._ref.id
        surely = bool(self._marks) and ages.dated(id) and not ages.too_old(id)
        self._take(MISSING if surely else known)

    def _read(self, known: Subject, partition: int, mark: Mark) -> None:
        """Read the entry that `mark` speaks of, which stands in the same partition."""
        known = known._replace(money=mark.money)
        if not mark.seq:
            abroad = self._to in self._services.keyspace.abroad
            self._take(known._replace(elsewhere=True) if abroad else MISSING)
        else:
            box = self._services.keyspace.of(mark.box).box
            wanted: dict[int, list[Command]] = {partition: [("LINDEX", box, mark.seq - 1)]}

            def take(replies: dict[int, list[object]] | None) -> None:
                if replies is None:
                    self._take(None)
                else:
                    self._judge(known, mark, replies[partition][0])

            read_all(self._services, wanted, take)

    def _judge(self, known: Subject, mark: Mark, stored: object) -> None:
        if not isinstance(stored, bytes):
            self._take(MISSING)
            return
        entry = read_entry(stored, mark.box, mark.seq)
        here = self._is_here(entry, mark.box)
        self._take(known._replace(entry=entry) if here else MISSING)

    def _is_here(self, entry: Entry, box: str) -> bool:
        """Whether `entry` stands in this conversation, too."""
        if self._to[0] == "#":
            return box == self._to or getattr(entry, "room", None) == self._to
        other = self._to if self._ref.from_ == self._me else self._me
        return getattr(entry, "to", None) == other


def find_subject(services: Services, peer: Peer, to: str, ref: Ref, take: Take) -> None:
    """Find the entry `ref` of the conversation of `peer` with `to`; `take` gets None if the store
    cannot say now."""
    _Search(services, peer, to, ref, take).begin()
