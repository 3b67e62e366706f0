"""Faults of money that are planted on purpose; see `faults`. Nothing here runs unless one is set.

Each is a mistake that a courier could well make, so that `teller prove` can show that it would be
found.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from msgspec.structs import replace

from protocol.frames import Deposit

from ..faults import FAULT
from ..ledger import routing
from ..ledger.entries import digest_of, encode_entry, entry_of
from ..ledger.keys import WORLD
from ..ledger.legs import Leg, LegKind, pack_leg, read_leg, stamped
from ..ledger.posts import Post

if TYPE_CHECKING:
    from .ways import Ways

EVERY = 10
"""One payment in so many is spoilt."""
_payments = count(1)


def spoil(ways: Ways, stored: bytes) -> bytes:
    """The leg `stored` as a courier with the fault would push it."""
    at, leg = read_leg(stored)
    if leg.kind is not LegKind.PERSON or not leg.amount or next(_payments) % EVERY:
        return stored
    if FAULT == "drop-credit":
        return stamped(at, pack_leg(replace(leg, amount=0)))
    if FAULT == "double-credit":
        give(ways, leg.to, leg)
    return stored


def refund(ways: Ways, leg: Leg) -> None:
    """What a courier does that takes a missing answer for a refusal."""
    if leg.amount:
        give(ways, leg.who, leg)


def give(ways: Ways, to: str, leg: Leg) -> None:
    """The money of `leg` once more, to `to`, out of nothing."""
    keyspace = ways.keyspace
    frame = Deposit(f"{to}{leg.id}"[-36:], to, leg.amount, leg.currency)
    world = keyspace.of(WORLD)
    entry = entry_of(frame, WORLD)
    body = encode_entry(entry)
    mark = world.marks + frame.id.encode()
    post = Post(frame, frame.id, None, WORLD, mark, digest_of(body), body, entry=entry)
    routing.deposit(keyspace, post, world, frame)
    ways.pipeline_of(post.partition).post(post)
