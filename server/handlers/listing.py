"""The list of one's conversations."""

from __future__ import annotations

from typing import Any, cast

from msgspec import UNSET
from msgspec.structs import replace

from protocol.errors import Code
from protocol.frames import Conversation, Conversations, ConversationsPage, Entry

from ..commit.replies import read_all, values
from ..ledger.entries import read_call, read_entries
from ..ledger.pairs import half_of
from ..ledger.waiting import parse_offer
from ..peer import Peer
from ..reading.conversations import FLAGS, Contacts, Summary, Walk, parse_contacts, state_of
from ..reading.folding import hide, subject_of
from ..services import Services
from ..store.connection import Command
from .paying import pay_for

CONVERSATIONS_PER_TURN = 4
"""So many of a page count as one frame more: each may be a hundred entries of a room to read."""
OWN_ENTRIES = 500
"""Entries of one's own box that are read at once."""
OWN_BYTES = 128 * 1024
OWN_PAGES = 8
"""So often at most; what is older than that is not counted, and is nobody's last entry."""
ROOM_ENTRIES = 100
"""The newest entries of each room that are looked at."""
ROOMS_BYTES = 1024 * 1024
"""What all rooms of a page may bring together, in bytes as stored."""

Stored = dict[tuple[str, int], bytes]
"""Entries as they are stored, by box and seq."""


def conversations(services: Services, peer: Peer, frame: Conversations) -> None:
    """A page of them, by name."""
    pay_for(services, peer, frame.id, frame.limit // CONVERSATIONS_PER_TURN)

    def answer(replies: list[object]) -> None:
        found = values(peer, frame.id, replies)
        if found is not None:
            assert isinstance(found[0], dict)
            _Listing(services, peer, frame, parse_contacts(found[0])).begin()

    own = peer.keys
    services.pipeline_of(own.partition).read([("HGETALL", own.contacts)], answer)


class _Listing:
    """One page on its way."""

    def __init__(
        self, services: Services, peer: Peer, frame: Conversations, contacts: Contacts
    ) -> None:
        self._services = services
        self._peer = peer
        self._frame = frame
        self._contacts = contacts
        rooms = set() if peer.party is None else peer.party.rooms
        after = "" if frame.after is UNSET else frame.after
        names = sorted(name for name in {*contacts.people, *rooms, peer.handle} if name > after)
        self._names, self._more = names[: frame.limit], len(names) > frame.limit
        self._now = services.store_now()
        self._own = Walk(peer.handle, self._now)
        for name in names:
            if mark := contacts.read.get(name):
                self._own.of(name).marks.add(mark)
        self._rooms: dict[str, Walk] = {}
        self._stored: Stored = {}
        self._pairs: dict[str, object] = {}
        self._waiting: dict[str, dict[str, int]] = {}

    def begin(self) -> None:
        """Read what stands beside the boxes, then one's own box, then the rooms."""
        own = self._peer.keys
        self._people = [name for name in self._names if name[0] == "@" and name != own.name]
        commands: list[Command] = [("HGETALL", own.offers)]
        if self._people:
            pair = self._services.keyspace.pair
            keys = (pair(own.partition, own.name, one) for one in self._people)
            commands.append(("MGET", *keys))

        def take(replies: list[object]) -> None:
            found = values(self._peer, self._frame.id, replies)
            if found is None:
                return
            if self._people:
                self._pairs = dict(zip(self._people, cast(list[object], found[1]), strict=True))
            self._add_offers(cast(dict[bytes, bytes], found[0]))
            self._read_own(-1, OWN_PAGES)

        self._services.pipeline_of(own.partition).read(commands, take)

    def _add_offers(self, fields: dict[bytes, bytes]) -> None:
        for raw, stored in fields.items():
            offer = parse_offer(raw, stored)
            sums = self._waiting.setdefault(offer.payer, {})
            sums[offer.currency] = sums.get(offer.currency, 0) + offer.amount

    def _read_own(self, last: int, pages: int) -> None:
        """Walk on, with the entry at place `last`; -1 is the newest."""
        own = self._peer.keys
        first = max(0, last - OWN_ENTRIES + 1) if last >= 0 else -OWN_ENTRIES

        def take(replies: list[object]) -> None:
            found = values(self._peer, self._frame.id, replies)
            if found is None:
                return
            entries = self._walk(self._own, own.name, cast(list[Any], found[0]))
            oldest = cast(Any, entries[0]).seq if entries else 1
            if oldest <= 1:
                self._own.end()
            if oldest > 1 and pages > 1 and not self._satisfied():
                self._read_own(oldest - 2, pages - 1)
            else:
                self._read_rooms()

        command = read_call(own.box, first, last, OWN_BYTES)
        self._services.pipeline_of(own.partition).read([command], take)

    def _satisfied(self) -> bool:
        """Whether all direct conversations of the page are known as far as they can be."""
        return all(self._own.of(name).ended for name in self._people)

    def _walk(self, walk: Walk, box: str, reply: list[Any]) -> list[Entry]:
        _, entries = read_entries(reply, box)
        for entry, stored in zip(entries, reply[2], strict=True):
            self._stored[box, cast(Any, entry).seq] = stored
        walk.back(entries)
        return entries

    def _read_rooms(self) -> None:
        of = self._services.keyspace.of
        rooms = [name for name in self._names if name[0] == "#"]
        budget = ROOMS_BYTES // max(1, len(rooms))
        wanted: dict[int, list[Command]] = {}
        named: dict[int, list[str]] = {}
        for room in rooms:
            keys = of(room)
            command = read_call(keys.box, -ROOM_ENTRIES, -1, budget)
            wanted.setdefault(keys.partition, []).append(command)
            named.setdefault(keys.partition, []).append(room)

        def take(replies: dict[int, list[object]] | None) -> None:
            if replies is None:
                self._peer.refuse(Code.UNAVAILABLE, self._frame.id)
                return
            for partition, names in named.items():
                for room, reply in zip(names, replies[partition], strict=True):
                    self._look_at(room, cast(list[Any], reply))
            self._open()

        read_all(self._services, wanted, take)

    def _look_at(self, room: str, reply: list[Any]) -> None:
        walk = self._rooms[room] = Walk(self._peer.handle, self._now, room)
        walk.of(room).marks |= self._own.of(room).marks
        walk.learn(self._own)
        entries = self._walk(walk, room, reply)
        if not entries or cast(Any, entries[0]).seq == 1:
            walk.end()

    def _summary(self, name: str) -> tuple[Walk, Summary]:
        walk = self._rooms.get(name, self._own)
        return walk, walk.of(name)

    def _open(self) -> None:
        """The words of the last entries."""
        lasts = {name: self._summary(name)[1].last for name in self._names}
        shown = [(name, cast(Any, last)) for name, last in lasts.items() if last is not None]
        edits = [cast(Any, self._summary(name)[0].edit_of(last)) for name, last in shown]
        wanted = [last for _, last in shown] + [edit for edit in edits if edit is not None]
        found = [(self._stored[one.box, one.seq], one.box, one.seq) for one in wanted]

        def opened(entries: list[Any]) -> None:
            newest = iter(entries[len(shown) :])
            last: dict[str, Entry] = {}
            for (name, _), entry, edit in zip(shown, entries, edits, strict=False):
                if edit is not None:
                    words = next(newest)
                    entry = replace(entry, text=words.text, gone=words.gone)
                last[name] = entry
            self._answer(last)

        self._services.seals.read(found, opened)

    def _answer(self, lasts: dict[str, Entry]) -> None:
        page = [self._conversation(name, lasts.get(name)) for name in self._names]
        self._peer.send(ConversationsPage(self._frame.id, page, self._more))

    def _conversation(self, name: str, last: Entry | None) -> Conversation:
        walk, summary = self._summary(name)
        flags = self._contacts.flags.get(name, set())
        found = Conversation(
            name,
            cast(Any, self._state(name, summary)),
            summary.unread,
            summary.more,
            summary.read_up_to,
            muted=FLAGS["muted"] in flags,
            pinned=FLAGS["pinned"] in flags,
            archived=FLAGS["archived"] in flags,
            waiting=self._waiting.get(name, UNSET),
        )
        if last is None:
            return found
        deleted = [subject_of(last)] if walk.is_wordless(last) else []
        (shown,) = hide([last], deleted, self._now)  # type: ignore[arg-type]
        return replace(found, last=shown)

    def _state(self, name: str, summary: Summary) -> str:
        if name[0] == "#":
            return "room"
        if name == self._peer.handle:
            return "self"
        stored, me = self._pairs.get(name), self._peer.handle
        return state_of(half_of(stored, me, name), half_of(stored, name, me), summary.heard)
