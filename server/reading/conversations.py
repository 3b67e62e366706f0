"""Conversations as a list: the last entry of each, and what is unread. Pure.

Nothing of it is stored but the read markers: unread entries are counted from the newest backwards
to the last one that is read, so that no counter can ever be wrong. One's own box holds all direct
conversations; one walk over it serves them all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from protocol.frames import (
    CreateEntry,
    DeleteEntry,
    EditEntry,
    Entry,
    ForwardEntry,
    JoinEntry,
    MessageEntry,
    PaymentEntry,
    ReadEntry,
    ReturnedEntry,
)

from .folding import SUBJECTS, Key, has_expired, key_of

_SHOWN = (MessageEntry, ForwardEntry, PaymentEntry, ReturnedEntry)
"""What can be the last entry of a conversation: words, money, and money that came back."""
READ = "r"
"""The letter of how far a conversation is read, in the fields of one's contacts."""
FLAGS = {"muted": "m", "pinned": "p", "archived": "a"}
"""The letter of each arrangement there."""


class Contacts(NamedTuple):
    """One's contacts, read."""

    people: set[str]
    flags: dict[str, set[str]]
    """The letters of the arrangements, by conversation."""
    read: dict[str, str]
    """The id of the entry up to which it was marked as read last, by conversation."""


def parse_contacts(fields: dict[bytes, bytes]) -> Contacts:
    """The fields of one's contacts: names, and behind a letter and a colon what is said of them."""
    found = Contacts(set(), {}, {})
    for raw, value in fields.items():
        letter, colon, name = raw.decode().partition(":")
        if not colon:
            if letter[0] == "@":
                found.people.add(letter)
        elif letter == READ:
            found.read[name] = value.decode()
        else:
            found.flags.setdefault(name, set()).add(letter)
    return found


@dataclass
class Summary:
    """What a walk backwards over a box has found of one conversation so far."""

    marks: set[str] = field(default_factory=set)
    """Ids up to which it was read: of all markers that were met."""
    last: Entry | None = None
    unread: int = 0
    read_up_to: int = 0
    ended: bool = False
    """Whether the last read entry was met; what is older is read, too."""
    heard: bool = False
    """Whether the other has ever said anything."""

    @property
    def more(self) -> bool:
        """Whether there may be more unread entries than were counted."""
        return self.unread > 0 and not self.ended


class Walk:
    """A walk over a box of `me`, or over a room's, from its newest entry backwards."""

    def __init__(self, me: str, now: int, room: str = "") -> None:
        """`now`: the time in ms; `room`: whose box it is, if not one's own."""
        self._me = me
        self._now = now
        self._room = room
        self._deleted: set[Key] = set()
        self._wordless: set[Key] = set()
        """Payments whose words were taken back; they still count as unread."""
        self._edits: dict[Key, EditEntry] = {}
        """The newest edit of each message that was edited by its author."""
        self.summaries: dict[str, Summary] = {}

    def of(self, name: str) -> Summary:
        """What is known of the conversation `name`."""
        return self.summaries.setdefault(name, Summary())

    def back(self, entries: Iterable[Entry]) -> None:
        """The next older entries, ascending among themselves."""
        for entry in reversed(list(entries)):
            self._meet(entry)

    def end(self) -> None:
        """There are no older entries."""
        for summary in self.summaries.values():
            summary.ended = True

    def learn(self, other: Walk) -> None:
        """What was deleted in the box of another walk is deleted here, too: one hides from oneself
        what stands in a room by an entry of one's own box."""
        self._deleted |= other._deleted

    def is_deleted(self, entry: Entry) -> bool:
        """Whether an entry that was met was deleted by one that is newer."""
        return isinstance(entry, SUBJECTS) and key_of(entry) in self._deleted

    def is_wordless(self, entry: Entry) -> bool:
        """The same, or whether its words alone were."""
        return isinstance(entry, SUBJECTS) and key_of(entry) in self._deleted | self._wordless

    def edit_of(self, entry: Entry) -> EditEntry | None:
        """Where the newest words of an entry stand that was met, if it was edited."""
        return self._edits.get(key_of(entry)) if isinstance(entry, MessageEntry) else None

    def _meet(self, entry: Entry) -> None:
        me = self._me
        if isinstance(entry, EditEntry):
            if entry.ref.from_ == entry.from_:
                self._edits.setdefault(key_of(entry.ref), entry)
            return
        if isinstance(entry, DeleteEntry):
            (self._wordless if entry.note else self._deleted).add(key_of(entry.ref))
        elif isinstance(entry, ReadEntry) and entry.from_ == me:
            self.of(entry.to).marks.add(entry.up_to)
        elif isinstance(entry, _SHOWN):
            self._shown(entry)
        elif isinstance(entry, JoinEntry | CreateEntry) and entry.from_ == me:
            self._ended(self.of(self._room), entry.seq)

    def _shown(self, entry: MessageEntry | ForwardEntry | PaymentEntry | ReturnedEntry) -> None:
        own = entry.from_ == self._me
        summary = self.of(self._room or (entry.to if own else entry.from_))
        if summary.last is None:
            summary.last = entry
        summary.heard = summary.heard or not own
        if summary.ended or isinstance(entry, ReturnedEntry):
            return
        if own or entry.id in summary.marks:
            self._ended(summary, entry.seq)
        elif not self.is_deleted(entry) and not has_expired(entry, self._now):
            summary.unread += 1

    def _ended(self, summary: Summary, seq: int) -> None:
        if not summary.ended:
            summary.ended, summary.read_up_to = True, seq


def state_of(own: str, theirs: str, heard: bool) -> str:
    """The state of a direct conversation, by both halves of the pair.

    What the other has decided is not told: who was blocked or declined sees a request that nobody
    answers. `heard`: they have said something; where their half is kept elsewhere, that is all one
    knows.
    """
    if own in "123456789":
        return "request"
    if own in "BD":
        return "blocked" if own == "B" else "declined"
    return "accepted" if theirs == "A" or heard else "sent"
