"""Aims what two people's opinion of each other decides: see ``lua/pairs.lua``."""

from __future__ import annotations

from protocol.frames import (
    DeleteEntry,
    DeliveredEntry,
    EditEntry,
    Entry,
    ForwardEntry,
    InviteEntry,
    MessageEntry,
    PaymentEntry,
    PinEntry,
    ReactEntry,
    ReadEntry,
)

from .keys import AccountKeys, Keyspace
from .lookups import is_there
from .posts import Mode, Post

REQUESTS_MAX = 3
"""Messages and payments that a stranger may send before they are answered."""

_WORDS = (MessageEntry, EditEntry, ForwardEntry, PaymentEntry)
COUNTED_MAX = 9
"""The same, with the deletions that follow them."""
_AMONG_FRIENDS = (ReadEntry, DeliveredEntry, ReactEntry, PinEntry, InviteEntry)
_MODES: dict[type[Entry], tuple[Mode, Mode]] = {
    **dict.fromkeys(_WORDS, (Mode.ASK, Mode.OPEN)),
    **dict.fromkeys(_AMONG_FRIENDS, (Mode.STRICT, Mode.MARKER)),
    DeleteEntry: (Mode.AFTER, Mode.MARKER),
}


def modes(asks: bool) -> dict[type[Entry], Mode]:
    """How entries from one person to another look at the pair, by their type. `asks`: strangers
    have to be accepted."""
    return {entry: both[0] if asks else both[1] for entry, both in _MODES.items()}


def mode_of(entry: type[Entry], asks: bool) -> Mode:
    """The same of an entry of any type; others do not look at it."""
    both = _MODES.get(entry)
    if both is None:
        return Mode.NONE
    return both[0] if asks else both[1]


def decision(keyspace: Keyspace, post: Post, own: AccountKeys, who: str, mode: Mode) -> None:
    """What `own` decides about `who`: an entry in their own box."""
    other = keyspace.party(who)
    post.partition = own.partition
    post.box = own.name
    post.boxes, post.names = (own.box,), (own.name,)
    post.pair = keyspace.pair(own.partition, own.name, who)
    post.mode = mode
    if other.partition == own.partition:
        post.to = other
    elif mode is Mode.BLOCK and other.partition >= 0:
        post.lookups = is_there(other)


def half_of(stored: object, own: str, other: str) -> str:
    """What `own` thinks of `other`, by the pair as it is stored; `-` if that is nothing."""
    if not isinstance(stored, bytes) or len(stored) != 2:
        return "-"
    return chr(stored[0] if own < other else stored[1])
