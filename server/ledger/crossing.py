"""Posts that concern other partitions, and their part of a call: see ``lua/contract.lua``."""

from __future__ import annotations

from struct import Struct, pack
from typing import NamedTuple

from .keys import AccountKeys
from .legs import Leg, OutLeg

Group = dict[bytes, int]
"""The keys of one group of a call, each with its index."""


class Arrival(NamedTuple):
    """What an ARRIVE needs besides the account and the box; see the contract."""

    lane: bytes
    """Key of the record of the lane it came by, at this end."""
    seq: int
    at: int
    """When the leg was put into the outbox, in ms."""
    floor: int
    """All legs up to this one are settled at their source."""
    leg: Leg
    back: bytes
    """Key of the record of the lane back, where a refused leg's return goes."""
    back_outbox: bytes
    refusal: bytes
    """The return leg, packed, without its code."""
    suspense: AccountKeys
    """`$suspense` of this partition."""
    suspended: bytes
    """Of a return: the entry that says that the money went to `$suspense`."""
    joined: bytes
    """Key of the set of rooms of an account that joined or left one."""


class Settlement(NamedTuple):
    """What a SETTLE needs besides the payer's box, if it has an entry for it."""

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


def index_of(group: dict[bytes, int], key: bytes) -> int:
    """Index of `key` within its group, from 1."""
    return group.setdefault(key, len(group) + 1)


def text(value: bytes | str | int, length: str) -> bytes:
    """`value` behind its length, which is of the `struct` format given."""
    data = value if isinstance(value, bytes) else str(value).encode()
    return pack(f">{length}", len(data)) + data


_ARRIVAL = Struct(">BHQQQQ3sHHHHH")
_SETTLEMENT = Struct(">HHQQQQ")


def pack_arrival(come: Arrival, scalars: Group, lists: Group, others: Group) -> bytes:
    """The fields of an ARRIVE."""
    leg = come.leg
    head = _ARRIVAL.pack(
        leg.kind,
        index_of(scalars, come.lane),
        come.seq,
        come.at,
        come.floor,
        leg.amount,
        leg.currency.encode(),
        index_of(scalars, come.back),
        index_of(lists, come.back_outbox),
        index_of(scalars, come.suspense.record),
        index_of(lists, come.suspense.box),
        index_of(others, come.joined) if come.joined else 0,
    )
    return head + text(leg.room, "B") + text(come.refusal, "I") + text(come.suspended, "I")


def pack_settlement(settled: Settlement, scalars: Group, lists: Group) -> bytes:
    """The fields of a SETTLE."""
    places = (index_of(scalars, settled.lane), index_of(lists, settled.outbox))
    return _SETTLEMENT.pack(*places, settled.after, settled.done, settled.at, settled.keep)


_LEG = Struct(">HHBI")


def pack_away(hint: int, legs: tuple[OutLeg, ...], scalars: Group, lists: Group) -> bytes:
    """What a post does in other partitions."""
    parts = [pack(">BB", hint, len(legs))]
    for out in legs:
        places = (index_of(scalars, out.lane), index_of(lists, out.outbox))
        parts += (_LEG.pack(*places, out.leg.amount > 0, len(out.data)), out.data)
    return b"".join(parts)
