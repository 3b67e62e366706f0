"""What a courier posts: legs where they arrive, and settlements where they came from. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from protocol.errors import Code
from protocol.frames import Entry, ReturnedEntry, SettledEntry

from .crossing import Arrival, Settlement
from .entries import decode_entry, encode_entry
from .keys import Keyspace
from .legs import Leg, LegKind, pack_leg, read_leg
from .posts import Kind, Post
from .status import CODE

LEGS_KEPT = 10_000
"""Settled legs that an outbox keeps, so that they can come again to an end that lost its last
moments: more than a lane carries in the second that a failover may cost."""


class Arrived(NamedTuple):
    """A leg that is at its end, as the answer to its ARRIVE said."""

    seq: int
    at: int
    """When it was put into the outbox, in ms."""
    leg: Leg
    refused: bool
    """Its return leg is on the lane back."""


def arrival(
    keyspace: Keyspace,
    partition: int,
    source: str,
    seq: int,
    stored: bytes,
    floor: int,
    origin: object = None,
) -> Post:
    """The ARRIVE, in `partition`, of leg `seq` of the lane from the partition labelled `source`.

    `stored` is the leg as its outbox holds it. `floor`: all legs up to it are known to be settled;
    no leg goes more than `LEG_WINDOW` ahead of it.
    Its answers: OK with the entry's seq and, for money, the new balance; DUPLICATE (detail 1 if
    the leg had been refused); RETURNED, SUSPENDED, LANE_GAP, LANE_FORKED, CORRUPT.

    Raises:
        ValueError: if the leg is damaged.
    """
    at, leg = read_leg(stored)
    party = keyspace.of(leg.to)
    post = Post(None, leg.id, origin, leg.who, kind=Kind.ARRIVE, partition=partition)
    post.amount, post.currency = leg.amount, leg.currency
    post.box = leg.to
    suspended, joined = b"", b""
    if leg.kind in (LegKind.JOIN, LegKind.LEAVE):
        joined = party.joined
    else:
        post.boxes, post.names = (party.box,), (leg.to,)
        post.entry, post.body, suspended = _entry(leg)
    if leg.kind is LegKind.ROOM:
        post.room = post.members = party
    elif not joined:
        post.to = party
    post.extra = Arrival(
        keyspace.lane_in(partition, source),
        seq,
        at,
        floor,
        leg,
        keyspace.lane_out(partition, source),
        keyspace.outbox(partition, source),
        _refusal(leg),
        keyspace.suspense(partition),
        suspended,
        joined,
    )
    return post


def settlements(
    keyspace: Keyspace,
    source: int,
    dest: str,
    after: int,
    arrived: Iterable[Arrived],
    keep: int = LEGS_KEPT,
    origin: object = None,
) -> list[Post]:
    """The SETTLEs, in partition `source`, of legs of the lane to the partition labelled `dest`.

    `arrived` are the legs behind `after`, in order and without a gap. Money that was credited
    makes a `settled` entry in the payer's box; other legs are settled together with the next of
    these. Answers: OK, with the seq of that entry; SUSPENDED, if the box cannot take it;
    LANE_MOVED, if another courier was quicker, or the source has lost what it knew; LANE_FORKED, if
    it then gave the number to another leg.
    """
    posts: list[Post] = []
    pending = False
    done = at = after
    for seq, at, leg, refused in arrived:
        pending, done = True, seq
        if leg.kind is LegKind.PERSON and leg.amount and not refused:
            posts.append(_settlement(keyspace, source, dest, (after, done, at, keep), leg, origin))
            pending, after = False, done
    if pending:
        posts.append(_settlement(keyspace, source, dest, (after, done, at, keep), None, origin))
    return posts


def _settlement(
    keyspace: Keyspace,
    source: int,
    dest: str,
    step: tuple[int, int, int, int],
    paid: Leg | None,
    origin: object,
) -> Post:
    post = Post(None, "", origin, "", kind=Kind.SETTLE, partition=source)
    lane, outbox = keyspace.lane_out(source, dest), keyspace.outbox(source, dest)
    post.extra = Settlement(lane, outbox, *step)
    if paid is not None:
        post.id, post.who, post.box = paid.id, paid.who, paid.who
        post.entry = SettledEntry(paid.id, paid.who, paid.to, paid.amount, paid.currency)
        post.body = encode_entry(post.entry)
        post.boxes, post.names = (keyspace.of(paid.who).box,), (paid.who,)
    return post


def _refusal(leg: Leg) -> bytes:
    """The return leg of `leg`, without the code, which is its last byte."""
    if leg.kind not in (LegKind.PERSON, LegKind.ROOM):
        return b""
    back = Leg(LegKind.RETURN, leg.who, leg.to, leg.id, leg.amount, leg.currency)
    return pack_leg(back)[:-1]


def _entry(leg: Leg) -> tuple[Entry, bytes, bytes]:
    """The entry of a leg, its stored form, and that of a return which could not get home."""
    if leg.kind is not LegKind.RETURN:
        return decode_entry(leg.body), leg.body, b""
    money = {"amount": leg.amount, "currency": leg.currency} if leg.amount else {}
    reason = CODE.get(leg.code, Code.INTERNAL)
    entry = ReturnedEntry(leg.id, leg.to, leg.who, reason, **money)  # type: ignore[arg-type]
    return entry, encode_entry(entry), encode_entry(replace(entry, suspended=True))
