"""What a post asks of hashes before it is done, and what it changes in them, in the same step.

So rooms, profiles and arrangements need no functions of their own in the store: a handler says what
must hold and what then becomes of it.
"""

from __future__ import annotations

from enum import IntEnum
from struct import pack
from typing import NamedTuple

from .crossing import Group, index_of, text
from .status import Status


class Test(IntEnum):
    """How a condition looks at a field of a hash. Times are the store's, in ms, as decimal text."""

    ABSENT = 0
    """The field is not there."""
    IS = 1
    """The first word of the field is one of those in `arg`, which has commas between."""
    NOT = 2
    """The field is absent, or its first word is none of those."""
    PASSED = 3
    """The field is absent, or the time in it has passed."""
    AHEAD = 4
    """The time in the field has not passed; 0 never does."""
    ABOVE = 5
    """The number in the field is greater than that in `arg`."""
    FEWER = 6
    """The hash has fewer fields than the number in `arg`, without those that a `SWEEP` by the
    groups in `field` would drop."""
    SOME = 7
    """The hash has a field; `field` and `arg` say nothing."""
    SPACE = 8
    """Among the notes in the field is one with the tag in `arg`, behind a blank, or fewer of the
    same owner (`Op.NOTE`) than the number in `arg` says."""
    ROLE_OF = 9
    """The field holds the name of somebody whose role in the post's room is one of those in
    `arg`."""


class Condition(NamedTuple):
    """What must hold, else the post is refused as `status`."""

    key: bytes
    """Key of a hash in the post's partition."""
    test: Test
    field: str
    arg: str
    status: Status
    either: bool = False
    """This one or the next must hold; then it is the status of the last of them that is told."""


class Op(IntEnum):
    """How a change alters a hash, or a set."""

    PUT = 0
    """The field holds `value`."""
    DROP = 1
    """The field is not there any more."""
    ADD = 2
    """The number in the field grows by that in `value`, which may be below zero."""
    UNTIL = 3
    """The field holds the time of the post plus the milliseconds in `value`."""
    NOTE = 4
    """Six bytes are put behind the field: the seq of the post in its box number `value`, from 1.
    Behind the number may stand a tag of 14 characters, of which the first 8 say whose it is: it is
    put behind the seq, and the note that had the same tag goes. All notes of a field have tags, or
    none. No more than 1,024 of them; then nothing is put there."""
    ENLIST = 5
    """`field` is in the set `key`."""
    STRIKE = 6
    """`field` is not in the set `key` any more."""
    HUSH = 7
    """Behind the first word of the field stands the time of the post plus the milliseconds in
    `value`; nothing, if that is 0. A field that is not there stays away."""
    SWEEP = 8
    """Fields whose time has passed are dropped, so that they do not pile up. `value` has groups of
    letters with commas between: fields that begin with the first letter of a group hold a time (0:
    they never end), and those with its other letters and the same name go with them. Of a hash with
    more than 20 fields as many are looked at, any of them. What this call has changed stays."""


class Change(NamedTuple):
    """What a post does to a hash or a set besides, once all holds. One for each field."""

    key: bytes
    op: Op
    field: str
    value: str = ""


_EITHER = 0x80
"""The bit of a test that says that this condition or the next must hold."""


def pack_asks(
    conditions: tuple[Condition, ...], changes: tuple[Change, ...], others: Group
) -> bytes:
    """What a post asks and changes, as a part of its row."""
    parts = [pack(">BB", len(conditions), len(changes))]
    for key, test, field, arg, status, either in conditions:
        how = test | _EITHER if either else test
        parts += (pack(">HBB", index_of(others, key), how, status), text(field, "B"))
        parts.append(text(arg, "H"))
    for key, op, field, value in changes:
        parts += (pack(">HB", index_of(others, key), op), text(field, "B"), text(value, "H"))
    return b"".join(parts)
