"""Legs: what a post does in another partition than its own.

A post that spans partitions does its own side at once and puts its legs, in order, into the outbox
of a *lane*: the ordered stream from one partition to another. A courier carries them over. This is
"debit-push": the debit is the one conditional step; the credit follows by itself, exactly once.
(The idea is FastPay's and NEAR's; the durable outbox is what FastPay's prototype leaves out.)
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta, Struct

from protocol.money import AMOUNT_MAX


class LegKind(IntEnum):
    """What a leg does where it arrives."""

    PERSON = 0
    """An entry for a person's box, perhaps with money."""
    ROOM = 1
    """An entry for a room's box, if the sender is a member."""
    JOIN = 2
    """The room is now one of those that the account joined."""
    LEAVE = 3
    """The room is not one of those any more."""
    RETURN = 4
    """An earlier leg was refused: an entry that says so, and its money back."""
    TELL = 5
    """An entry for a person's box about a room, sent by the room's partition, where its author may
    have no box. So it is not returned: one that cannot be put there is dropped."""


class Leg(Struct, array_like=True, frozen=True, gc=False):
    """One leg, as it stands in an outbox behind its time: MessagePack, all fields, in order."""

    kind: LegKind
    to: str
    """The person or the room."""
    who: str
    """Who sent it. Of a return: whom the refused leg was for."""
    id: str
    """The id of the post."""
    amount: Annotated[int, Meta(ge=0, le=AMOUNT_MAX)] = 0
    """Minor units; 0 for words."""
    currency: str = ""
    body: bytes = b""
    """The entry as it is stored, without its time."""
    room: str = ""
    """Joined or left."""
    code: int = 0
    """Of a return: the `Status` that the refused leg met. The last field, and one byte: the store
    puts it behind a return leg that was packed beforehand."""


class OutLeg(NamedTuple):
    """A leg of a post that is not posted yet."""

    dest: str
    """Label of the partition it goes to: its number, as text."""
    lane: bytes
    """Key of the lane's record at its source."""
    outbox: bytes
    """Key of the lane's outbox."""
    leg: Leg
    data: bytes
    """`leg`, packed."""


STAMP = 6
"""Bytes before a leg in an outbox: the time when it was put there, in ms, big-endian."""

pack_leg = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Leg).decode


def read_leg(stored: bytes) -> tuple[int, Leg]:
    """A leg of an outbox: its time in ms, and the leg.

    Raises:
        ValueError: if it is damaged.
    """
    try:
        return time_of(stored), _decode(stored[STAMP:])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"a leg is damaged: {error}") from None


def time_of(stored: bytes) -> int:
    """When a leg was put into its outbox, in ms of the store there."""
    return int.from_bytes(stored[:STAMP])


def stamped(at: int, data: bytes) -> bytes:
    """The packed leg `data`, as it stands in the outbox of a post that was answered at `at` ms."""
    return at.to_bytes(STAMP) + data
