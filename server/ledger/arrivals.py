"""What a courier posts: legs where they arrive, and settlements where they came from. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from protocol.errors import Code
from protocol.frames import Entry, ReturnedEntry, SettledEntry

from .corrections import CorrectionEntry
from .crossing import Arrival, Settlement
from .entries import decode_entry, encode_entry
from .keys import Keyspace
from .legs import Leg, LegKind, read_leg
from .notes import may_note, notes_of
from .pairs import mode_of
from .posts import Kind, Mode, Post
from .status import CODE

SETTLED_MAX = 32
"""Most payments that one SETTLE tells of, so that a call stays short."""
LEGS_KEPT = 10_000
"""Settled legs that an outbox keeps, so that they can come again to an end that lost its last
moments: more than a lane carries in the second that a failover may cost."""
# As globals: a member of an Enum costs a slow look-up each time.
_ARRIVE = Kind.ARRIVE
_PERSON, _ROOM, _RETURN = LegKind.PERSON, LegKind.ROOM, LegKind.RETURN
_JOIN, _LEAVE = LegKind.JOIN, LegKind.LEAVE


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
    asks: bool | None = None,
    behind: int = 0,
) -> Post:
    """The ARRIVE, in `partition`, of leg `seq` of the lane from the partition labelled `source`.

    `stored` is the leg as its outbox holds it. `floor`: all legs up to it are known to be settled;
    no leg goes more than `LEG_WINDOW` ahead of it. `asks`: whether strangers must be accepted;
    None: nobody looks at it. `behind`: the time of leg `seq` - 1 in the same outbox, in ms; 0 if it
    is not there any more.
    Its answers: OK with the entry's seq and, for money, the new balance; WAITING with the same, if
    the money waits; DUPLICATE (detail 1 if the leg had been refused, or its money waited);
    RETURNED, SUSPENSE, LANE_GAP, LANE_FORKED, CORRUPT.

    Raises:
        ValueError: if the leg is damaged.
    """
    at, leg = read_leg(stored)
    kind, to = leg.kind, leg.to
    party, end = keyspace.of(to), keyspace.lane_end(partition, source)
    post = Post(None, leg.id, origin, leg.who, kind=_ARRIVE, box=to, partition=partition)
    if leg.amount:
        post.amount, post.currency = leg.amount, leg.currency
    if kind is _JOIN or kind is _LEAVE:
        post.extra = Arrival(end, seq, at, behind, floor, leg, joined=party.joined)
        return post
    post.boxes, post.names = (party.box,), (to,)
    post.entry, post.body, suspended = _entry(leg)
    post.extra = Arrival(end, seq, at, behind, floor, leg, suspended)
    post.changes = notes_of(post.entry, (party,), at)
    if kind is _ROOM:
        post.room = post.members = party
        post.conditions = may_note(party, post.entry)
    else:
        post.to = party
        post.mode = mode_of(type(post.entry), bool(asks))
        if asks is not None and post.mode:
            post.pair = keyspace.pair(partition, to, leg.who)
        elif type(post.entry) is SettledEntry:
            post.mode = Mode.MARKER  # told even to who is locked out meanwhile, as SETTLE does
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
    makes a `settled` entry in the payer's box. One post settles many legs: a second one is made
    only for more than `SETTLED_MAX` of these entries. Answers: OK, with the seq of each entry,
    which is 0 if the box cannot take it; LANE_MOVED, if another courier was quicker, or the source
    has lost what it knew; LANE_FORKED, if it then gave the number to another leg.
    """
    posts: list[Post] = []
    lane, outbox = keyspace.lane_out(source, dest), keyspace.outbox(source, dest)
    paid: list[Leg] = []
    done = at = after
    for seq, sent_at, leg, refused in arrived:
        if len(paid) == SETTLED_MAX:
            step = Settlement(lane, outbox, after, done, at, keep)
            posts.append(_settlement(keyspace, source, step, paid, origin))
            after, paid = done, []
        done, at = seq, sent_at
        if leg.amount and leg.kind is _PERSON and not refused:
            paid.append(leg)
    if done > after:
        step = Settlement(lane, outbox, after, done, at, keep)
        posts.append(_settlement(keyspace, source, step, paid, origin))
    return posts


def _settlement(
    keyspace: Keyspace, source: int, step: Settlement, paid: list[Leg], origin: object
) -> Post:
    """`step`, which tells the payers of the legs `paid`."""
    post = Post(None, "", origin, "", kind=Kind.SETTLE, partition=source)
    names = tuple([leg.who for leg in paid])
    entries = [SettledEntry(leg.id, leg.who, leg.to, leg.amount, leg.currency) for leg in paid]
    bodies = [encode_entry(entry) for entry in entries]
    post.names, post.boxes = names, tuple([keyspace.of(name).box for name in names])
    post.extra = step._replace(entries=tuple(entries), bodies=tuple(bodies))
    post.body = b"".join(bodies)
    return post


def _entry(leg: Leg) -> tuple[Entry, bytes, bytes]:
    """The entry of a leg, its stored form, and that of a return which could not get home."""
    if leg.kind is not _RETURN:
        entry = decode_entry(leg.body)
        if isinstance(entry, CorrectionEntry):
            raise ValueError("a leg is damaged: a correction is in nobody's box")
        return entry, leg.body, b""
    money = {"amount": leg.amount, "currency": leg.currency} if leg.amount else {}
    reason = CODE.get(leg.code, Code.INTERNAL)
    entry = ReturnedEntry(leg.id, leg.to, leg.who, reason, **money)  # type: ignore[arg-type]
    return entry, encode_entry(entry), encode_entry(replace(entry, suspended=True))
