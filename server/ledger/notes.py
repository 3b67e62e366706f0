"""The index of what speaks of an entry: one hash for each box.

A field is a letter and the key of an entry, such as ``e@alice:7f3c``; it holds the places, six
bytes each, of the entries of that box which speak of it. It is written in the same step as those.
What only replies is apart from what changes, so that no crowd of replies can fill the field that
tells of a deletion. Most entries speak of none and cost nothing.

A person's reactions with one emoji take one place, that of the last: behind each stands a tag,
which tells whose it is and which emoji. So nobody can fill the field that holds those of all.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import blake2b

from msgspec import UNSET

from protocol.frames import DeleteEntry, EditEntry, Entry, MessageEntry, PinEntry, ReactEntry, Ref

from .conditions import Change, Condition, Op, Test
from .keys import AccountKeys
from .status import Status

EDITS, DELETES, PINS, REACTIONS, REPLIES = "e", "x", "p", "r", "t"
EXPIRES = "z"
"""With the number of an hour since 1970: entries whose words have disappeared by then."""
HOUR_MS = 3_600_000
LETTERS = EDITS + DELETES + PINS + REACTIONS + REPLIES
REACTIONS_MAX = 32
"""Most emoji with which one person may react to one entry, those taken back included."""
_SEQ = 6
_TAG = 14
TAGGED = _SEQ + _TAG
"""Bytes of a note of a reaction."""
_LETTER: dict[type[Entry], str] = {
    EditEntry: EDITS,
    DeleteEntry: DELETES,
    PinEntry: PINS,
    ReactEntry: REACTIONS,
    MessageEntry: REPLIES,
}


def field(letter: str, sender: str, id: str) -> str:
    """The field for what speaks in this manner of the entry `id` of `sender`."""
    return f"{letter}{sender}:{id}"


def tag_of(entry: Entry | None) -> str:
    """What stands behind the seq of `entry` in the index: whose reaction it is, and which."""
    if not isinstance(entry, ReactEntry):
        return ""
    return _short(entry.from_, 6) + _short(entry.emoji, 4)


def _short(text: str, size: int) -> str:
    digest = blake2b(text.encode(), digest_size=size).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def may_note(box: AccountKeys, entry: Entry | None) -> tuple[Condition, ...]:
    """What must hold for `entry` to be noted in the index of `box`: nobody has more than so many
    reactions to one entry."""
    if not isinstance(entry, ReactEntry):
        return ()
    (one,) = fields_of(entry, 0)
    space = f"{REACTIONS_MAX} {tag_of(entry)}"
    return (Condition(box.refs, Test.SPACE, one, space, Status.LIMIT_EXCEEDED),)


def fields_of(entry: Entry | None, at: int) -> list[str]:
    """The fields under which `entry` is noted that is stored about the time `at`, in ms; none, for
    most."""
    letter = _LETTER.get(type(entry))  # type: ignore[arg-type]
    if letter is None:
        return []
    named = (getattr(entry, "ref", None), getattr(entry, "thread", None))
    fields = {field(letter, ref.from_, ref.id) for ref in named if isinstance(ref, Ref)}
    if isinstance(entry, MessageEntry) and entry.expires_s is not UNSET:
        fields.add(f"{EXPIRES}{(at + entry.expires_s * 1000) // HOUR_MS + 1}")
    return sorted(fields)


def notes_of(entry: Entry | None, boxes: tuple[AccountKeys, ...], at: int) -> tuple[Change, ...]:
    """What an entry that is appended to `boxes`, in this order and about the time `at`, in ms,
    changes in their indexes."""
    fields = fields_of(entry, at)
    if not fields:
        return ()
    places, tag = enumerate(boxes, 1), tag_of(entry)
    return tuple(
        Change(box.refs, Op.NOTE, one, f"{place}{tag}") for place, box in places for one in fields
    )


def newest_of(noted: object, most: int, letter: str = EDITS) -> list[int]:
    """The last places that a field of `letter` holds, ascending: they were noted in their order."""
    return seqs_of(noted[-most * _size(letter) :], letter) if isinstance(noted, bytes) else []


def seqs_of(noted: object, letter: str = EDITS) -> list[int]:
    """The places that a field of `letter` holds, ascending; none, if it is not there."""
    if not isinstance(noted, bytes):
        return []
    size = _size(letter)
    whole = len(noted) - len(noted) % size
    return sorted(int.from_bytes(noted[at : at + _SEQ]) for at in range(0, whole, size))


def _size(letter: str) -> int:
    return TAGGED if letter == REACTIONS else _SEQ
