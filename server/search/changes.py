"""What the entries of a box mean for the index: rows added, worded anew, taken away. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from msgspec import UNSET

from protocol.frames import (
    DeleteEntry,
    DepositEntry,
    EditEntry,
    Entry,
    ForwardEntry,
    MessageEntry,
    PaymentEntry,
    ReturnedEntry,
)

from ..seal.words import author
from .hashes import BoxHashes, Hashes
from .words import Terms

MONEY = "$"
"""The filter of entries with money."""

Worded = MessageEntry | ForwardEntry
Moneyed = PaymentEntry | DepositEntry | ReturnedEntry


def sent_by(name: str) -> str:
    """The filter of entries of a sender."""
    return f"f{name}"


def spoken_with(name: str) -> str:
    """The filter of entries of one's own box that belong to the conversation with `name`."""
    return f"t{name}"


@dataclass
class Add:
    """A row for the entry `seq`. `author`: of its words; `until`: when they disappear, in ms;
    `locked`: they cannot be read now."""

    seq: int
    at: int
    author: int
    ref: int
    money: bool
    filters: bytes
    words: bytes
    until: int | None
    locked: bool


@dataclass
class Reword:
    """A row has other words."""

    ref: int
    words: bytes
    locked: bool = False


@dataclass
class Remove:
    """No row any more, or, of money, no words."""

    ref: int


Change = Add | Reword | Remove


def changes_of(entries: Iterable[Entry], hashes: Hashes, box: str) -> Iterator[Change]:
    """What these entries of `box` mean for the index, in order."""
    own = hashes.of(box)
    for entry in entries:
        if isinstance(entry, Worded | Moneyed):
            if not gone_for_good(entry):
                yield _added(entry, own)
        elif isinstance(entry, EditEntry):
            if entry.ref.from_ == entry.from_:
                words, locked = words_of(entry, own)
                yield Reword(own.ref(entry.ref.from_, entry.ref.id), words, locked)
        elif isinstance(entry, DeleteEntry):
            yield Remove(own.ref(entry.ref.from_, entry.ref.id))


def gone_for_good(entry: Worded | Moneyed) -> bool:
    """Whether there is nothing to find: the words are gone, and there is no money."""
    return isinstance(entry, Worded) and entry.gone not in (UNSET, "locked")


def _added(entry: Worded | Moneyed, own: BoxHashes) -> Add:
    filters = [sent_by(entry.from_)]
    if own.box[0] == "@":
        filters.append(spoken_with(entry.to if entry.from_ == own.box else entry.from_))
    money = isinstance(entry, Moneyed)
    if money:
        filters.append(MONEY)
    words, locked = words_of(entry, own)
    return Add(
        entry.seq,
        entry.at,
        own.author(author(entry)),
        own.ref(entry.from_, entry.id),
        money,
        own.all(filters),
        words,
        _expiry(entry),
        locked,
    )


def _expiry(entry: Worded | Moneyed) -> int | None:
    lifetime = getattr(entry, "expires_s", UNSET)
    return None if lifetime is UNSET else entry.at + lifetime * 1000


def words_of(entry: Entry, own: BoxHashes) -> tuple[bytes, bool]:
    """The hashes of the words of an entry, and whether they are locked."""
    locked = getattr(entry, "gone", UNSET) == "locked"
    text = getattr(entry, "text", UNSET)
    return own.all(Terms.of(text).keys()) if text is not UNSET else b"", locked
