"""What a forward copies: the words that stand at a place which its sender may read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from msgspec import UNSET

from protocol.frames import EditEntry, Entry, Forward, ForwardEntry, MessageEntry, Ref

from ..commit.replies import read_all
from ..ledger.notes import DELETES, EDITS, field, seqs_of
from ..ledger.status import Status
from ..store.connection import Command
from .folding import has_expired

if TYPE_CHECKING:
    from ..peer import Peer
    from ..services import Services


class Source(NamedTuple):
    """The words to be sent on, or why they may not be."""

    text: str = ""
    ref: Ref | None = None
    """Whose words they were first."""
    refused: int = 0


Take = Callable[[Source | None], None]
_UNKNOWN = Source(refused=Status.UNKNOWN_ENTRY)


class _Search:
    def __init__(self, services: Services, peer: Peer, frame: Forward, take: Take) -> None:
        self._services = services
        self._frame = frame
        self._take = take
        self._box = services.keyspace.of(frame.box)
        self._own = peer.keys

    def begin(self) -> None:
        """Read the entry, and what was noted of it there and in one's own box."""
        frame, box, own = self._frame, self._box, self._own
        if frame.seq < 1:
            self._take(_UNKNOWN)
            return
        keys = [field(letter, frame.ref.from_, frame.ref.id) for letter in (DELETES, EDITS)]
        wanted: dict[int, list[Command]] = {}
        wanted[box.partition] = [("LINDEX", box.box, frame.seq - 1), ("HMGET", box.refs, *keys)]
        wanted.setdefault(own.partition, []).append(("HEXISTS", own.refs, keys[0]))
        read_all(self._services, wanted, self._found)

    def _found(self, replies: dict[int, list[object]] | None) -> None:
        if replies is None:
            self._take(None)
            return
        stored, noted = replies[self._box.partition][:2]
        hidden = replies[self._own.partition][-1]
        assert isinstance(noted, list)
        if not isinstance(stored, bytes) or noted[0] is not None or hidden == 1:
            self._take(_UNKNOWN)
            return
        edits = seqs_of(noted[1])
        found = [(stored, self._box.name, self._frame.seq)]
        if not edits:
            self._services.seals.read(found, self._judge)
            return
        newest = edits[-1]
        wanted: dict[int, list[Command]] = {}
        wanted[self._box.partition] = [("LINDEX", self._box.box, newest - 1)]

        def take(replies: dict[int, list[object]] | None) -> None:
            edited = None if replies is None else replies[self._box.partition][0]
            if not isinstance(edited, bytes):
                self._take(None)
                return
            both = [*found, (edited, self._box.name, newest)]
            self._services.seals.read(both, self._judge)

        read_all(self._services, wanted, take)

    def _judge(self, entries: list[Entry]) -> None:
        entry, last = entries[0], entries[-1]
        if not isinstance(entry, MessageEntry | ForwardEntry):
            self._take(_UNKNOWN)
            return
        ref, now = self._frame.ref, self._services.store_now()
        if (entry.from_, entry.id) != (ref.from_, ref.id) or has_expired(entry, now):
            self._take(_UNKNOWN)
        elif isinstance(entry, MessageEntry) and entry.expires_s is not UNSET:
            self._take(Source(refused=Status.FORBIDDEN))
        else:
            words = last if isinstance(last, EditEntry) else entry
            self._copy(words, entry.ref if isinstance(entry, ForwardEntry) else ref)

    def _copy(self, words: MessageEntry | ForwardEntry | EditEntry, ref: Ref) -> None:
        if words.gone == "locked":
            self._take(None)
        elif words.gone is not UNSET:
            self._take(_UNKNOWN)
        else:
            self._take(Source(words.text, ref))


def find_source(services: Services, peer: Peer, frame: Forward, take: Take) -> None:
    """Find what `frame` copies; `take` gets None if it cannot be read now."""
    if frame.box != peer.handle and (peer.party is None or frame.box not in peer.party.rooms):
        refused = Status.NOT_A_MEMBER if frame.box[0] == "#" else Status.FORBIDDEN
        take(Source(refused=refused))
        return
    _Search(services, peer, frame, take).begin()
