"""The index of what speaks of an entry: one hash for each box.

A field is a letter and the key of an entry, such as ``e@alice:7f3c``; it holds the places, six
bytes each, of the entries of that box which speak of it. It is written in the same step as those.
What only replies is apart from what changes, so that no crowd of replies can fill the field that
tells of a deletion. Most entries speak of none and cost nothing.
"""

from __future__ import annotations

from msgspec import UNSET

from protocol.frames import DeleteEntry, EditEntry, Entry, MessageEntry, PinEntry, ReactEntry, Ref

from .conditions import Change, Op
from .keys import AccountKeys

EDITS, DELETES, PINS, REACTIONS, REPLIES = "e", "x", "p", "r", "t"
EXPIRES = "z"
"""With the number of an hour since 1970: entries whose words have disappeared by then."""
HOUR_MS = 3_600_000
LETTERS = EDITS + DELETES + PINS + REACTIONS + REPLIES
_SEQ = 6
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
    places = enumerate(boxes, 1)
    return tuple(
        Change(box.refs, Op.NOTE, one, str(place)) for place, box in places for one in fields
    )


def newest_of(noted: object, most: int) -> list[int]:
    """The last places that a field holds, ascending: they were noted in their order."""
    return seqs_of(noted[-most * _SEQ :]) if isinstance(noted, bytes) else []


def seqs_of(noted: object) -> list[int]:
    """The places that a field holds, ascending; none, if it is not there."""
    if not isinstance(noted, bytes):
        return []
    whole = len(noted) - len(noted) % _SEQ
    return sorted(int.from_bytes(noted[at : at + _SEQ]) for at in range(0, whole, _SEQ))
