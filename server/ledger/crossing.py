"""Posts that concern other partitions, and their part of a call: see ``lua/contract.lua``."""

from __future__ import annotations

from struct import Struct, pack
from typing import NamedTuple

from protocol.frames import Entry

from .corrections import CorrectionEntry
from .keys import LaneEnd
from .legs import Leg, OutLeg

Group = dict[bytes, int]
"""The keys of one group of a call, each with its index."""


class Arrival(NamedTuple):
    """What an ARRIVE needs besides the account and the box; see the contract."""

    end: LaneEnd
    """Where it arrives."""
    seq: int
    at: int
    """When the leg was put into the outbox, in ms."""
    behind: int
    """When the leg before it was, as the outbox has it; 0: not known. If that is later than
    anything that came, the source has lost what came under that number, and sent another leg."""
    floor: int
    """All legs up to this one are settled at their source."""
    leg: Leg
    suspended: bytes = b""
    """Of a return: the entry that says that the money went to `$suspense`."""
    joined: bytes = b""
    """Key of the set of rooms of an account that joined or left one."""


class Settlement(NamedTuple):
    """What a SETTLE needs besides the boxes of the payers; see the contract."""

    lane: bytes
    """Key of the lane's record at its source."""
    outbox: bytes
    after: int
    """Up to where the lane was settled before."""
    done: int
    """Up to where it is settled now."""
    at: int
    """The time of that last leg, in ms, as it was pushed: a source that has lost its last moments
    may have another leg under its number."""
    keep: int
    """How many settled legs the outbox keeps, for an end that loses what it had."""
    entries: tuple[Entry, ...] = ()
    """What the payers are told, one for each box of the post."""
    bodies: tuple[bytes, ...] = ()
    """The same as they are stored; all of them together are the post's body."""


class Mending(NamedTuple):
    """What a MEND needs besides the system account and its box; see the contract."""

    lane: bytes
    """Key of the lane's record at the end that has lost its last moments."""
    outbox: bytes
    """Key of the outbox; empty at the end of the lane."""
    before: int
    """The last leg that both ends know: settled at the source, or arrived at the end."""
    number: int
    """The last that only the other end knows."""
    corrections: tuple[CorrectionEntry, ...]
    bodies: tuple[bytes, ...]
    """The same as they are stored; all of them together are the post's body."""


def index_of(group: dict[bytes, int], key: bytes) -> int:
    """Index of `key` within its group, from 1."""
    return group.setdefault(key, len(group) + 1)


def text(value: bytes | str | int, length: str) -> bytes:
    """`value` behind its length, which is of the `struct` format given."""
    data = value if isinstance(value, bytes) else str(value).encode()
    return pack(f">{length}", len(data)) + data


_ARRIVAL = Struct(">BHQQQQQ3sI")
_REST = Struct(">HHHHHBBBI")
_SETTLEMENT = Struct(">HHQQQQH")
_PIECE = Struct(">HI")


def pack_arrival(come: Arrival, scalars: Group, lists: Group, others: Group) -> bytes:
    """The fields of an ARRIVE."""
    end, seq, at, behind, floor, leg, suspended, joined = come
    lane, back, outbox, vault, vault_box = end
    scalar, place = scalars.setdefault, lists.setdefault  # as index_of
    who, id, room = leg.who.encode(), leg.id.encode(), leg.room.encode()
    texts = who + id + room + suspended
    number = scalar(lane, len(scalars) + 1)
    rest = _REST.pack(
        scalar(back, len(scalars) + 1),
        place(outbox, len(lists) + 1),
        scalar(vault, len(scalars) + 1),
        place(vault_box, len(lists) + 1),
        index_of(others, joined) if joined else 0,
        len(who),
        len(id),
        len(room),
        len(suspended),
    )
    length = _REST.size + len(texts)
    money = leg.amount, leg.currency.encode()
    return _ARRIVAL.pack(leg.kind, number, seq, at, behind, floor, *money, length) + rest + texts


def pack_settlement(
    settled: Settlement, boxes: tuple[bytes, ...], scalars: Group, lists: Group
) -> bytes:
    """The fields of a SETTLE that appends to `boxes`."""
    lane, outbox, after, done, at, keep, _, bodies = settled
    places = index_of(scalars, lane), index_of(lists, outbox)
    head = _SETTLEMENT.pack(*places, after, done, at, keep, len(bodies))
    pieces = [
        _PIECE.pack(index_of(lists, box), len(body))
        for box, body in zip(boxes, bodies, strict=True)
    ]
    return head + b"".join(pieces)


_MENDING = Struct(">HHQQH")
_CORRECTION = Struct(">Q3sI")


def pack_mending(mend: Mending, scalars: Group, lists: Group) -> bytes:
    """The fields of a MEND."""
    outbox = index_of(lists, mend.outbox) if mend.outbox else 0
    lane, count = index_of(scalars, mend.lane), len(mend.bodies)
    parts = [_MENDING.pack(lane, outbox, mend.before, mend.number, count)]
    for entry, body in zip(mend.corrections, mend.bodies, strict=True):
        amount, currency = entry.money or (0, "")
        parts.append(_CORRECTION.pack(amount, currency.encode(), len(body)))
    return b"".join(parts)


_AWAY = Struct(">BB")
_LEG = Struct(">HHBI")


def pack_away(hint: int, legs: tuple[OutLeg, ...], scalars: Group, lists: Group) -> bytes:
    """What a post does in other partitions."""
    parts = [_AWAY.pack(hint, len(legs))]
    for _, lane, outbox, leg, data in legs:
        places = index_of(scalars, lane), index_of(lists, outbox)
        parts += (_LEG.pack(*places, leg.amount > 0, len(data)), data)
    return b"".join(parts)
