"""Aims a post: which partition it is posted in, which boxes there, and its legs elsewhere.

Pure functions, used by the handlers. Each takes a post with its sender, id, digest and entry, and
the sender's keys (`own`), and completes it. Where all parties are in one partition there are no
legs, and the post is what it would be in a store with one.
"""

from __future__ import annotations

from msgspec.structs import replace

from protocol.currencies import EXPONENTS
from protocol.frames import Create, Deposit, Join, Leave, Payment

from .entries import restated
from .keys import WORLD, AccountKeys, Keyspace
from .legs import Leg, LegKind, OutLeg, pack_leg
from .lookups import has_place, is_member, is_there, may_be_paid
from .posts import Kind, Mode, Post

_KIND = {Create: Kind.CREATE, Join: Kind.JOIN, Leave: Kind.LEAVE}


def to_person(keyspace: Keyspace, post: Post, own: AccountKeys, to: str) -> None:
    """Words, or a marker, for the box of the sender and that of `to`."""
    near = keyspace.near(own, to)
    if near is not None and to not in keyspace.abroad:
        post.partition = own.partition
        post.box = own.name
        post.pair, post.to, post.boxes, post.names = near
        return
    to_self(post, own)
    if to == own.name:
        post.to = own
        return
    post.pair = keyspace.pair(own.partition, own.name, to)
    other = keyspace.party(to)
    leg = Leg(LegKind.PERSON, to, own.name, post.id, body=post.body)
    post.legs = (out_leg(keyspace, own.partition, other.label, leg),)
    if other.partition >= 0:
        post.lookups = is_there(other)


def to_room(keyspace: Keyspace, post: Post, own: AccountKeys, to: str) -> None:
    """Words for the box of a room, in the room's partition; if that is in another region, they
    leave from the sender's, and have no place here."""
    room = keyspace.party(to)
    if room.partition < 0:
        post.partition = own.partition
        post.box = own.name
        leg = Leg(LegKind.ROOM, to, own.name, post.id, body=post.body)
        post.legs = (out_leg(keyspace, own.partition, room.label, leg),)
        return
    _move(keyspace, post, own, room.partition)
    post.room = post.members = room
    post.box = to
    post.boxes = (room.box,)
    post.names = (to,)


def room_marker(keyspace: Keyspace, post: Post, own: AccountKeys, to: str) -> None:
    """How far a member has read a room: for their own box only."""
    room = keyspace.party(to)
    post.mode = Mode.MARKER
    post.partition = own.partition
    post.box = own.name
    to_self(post, own)
    if room.partition == own.partition:
        post.room = post.members = room
    elif room.partition >= 0:
        post.lookups = is_member(room, own.name, checked=False)


def payment(keyspace: Keyspace, post: Post, own: AccountKeys, frame: Payment) -> None:
    """Money to a person, perhaps shown in a room: posted in the payer's partition."""
    to, here = frame.to, own.partition
    post.sender = own
    _money(post, frame)
    near = keyspace.near(own, to)
    if near is not None and to not in keyspace.abroad:
        post.partition = here
        post.box = own.name
        post.pair, post.to, post.boxes, post.names = near
    else:
        to_self(post, own)
        if to != own.name:
            post.pair = keyspace.pair(here, own.name, to)
            _pay_away(keyspace, post, keyspace.party(to))
        else:  # which the store refuses
            post.to = own
            post.boxes += post.boxes
            post.names += post.names
    if not isinstance(frame.room, str):
        return
    room = keyspace.party(frame.room)
    if room.partition == here:
        post.room = post.members = room
        post.boxes += (room.box,)
        post.names += (room.name,)
    else:
        leg = Leg(LegKind.ROOM, room.name, own.name, post.id, body=post.body)
        post.legs += (out_leg(keyspace, here, room.label, leg),)
        if room.partition >= 0:
            post.lookups += is_member(room, own.name, checked=True)


def deposit(keyspace: Keyspace, post: Post, own: AccountKeys, frame: Deposit) -> None:
    """Money from `$world`, which is in every partition, to a person: settled at once."""
    payee = keyspace.of(frame.to)
    _move(keyspace, post, own, payee.partition)
    _give(keyspace, post, payee, frame)


def opening(keyspace: Keyspace, post: Post, new: AccountKeys, gift: Deposit, body: bytes) -> None:
    """The opening balance of a registration: a deposit that is part of it, stored as `body`."""
    _give(keyspace, post, new, gift)
    post.body = body


def membership(
    keyspace: Keyspace, post: Post, own: AccountKeys, frame: Create | Join | Leave, most: int
) -> None:
    """A room made, joined or left: posted in the room's partition. `most`: rooms of an account."""
    to_room(keyspace, post, own, frame.room)
    kind = post.kind = _KIND[type(frame)]
    limit = () if kind is Kind.LEAVE else (most,)
    if post.partition == own.partition:
        post.extra = (own.joined, frame.room, *limit)
        return
    post.extra = (b"", frame.room, *limit)
    what = LegKind.LEAVE if kind is Kind.LEAVE else LegKind.JOIN
    leg = Leg(what, own.name, own.name, post.id, room=frame.room)
    post.legs = (out_leg(keyspace, post.partition, own.label, leg),)
    if limit:
        post.lookups = has_place(own, most)


def flag(keyspace: Keyspace, post: Post, own: AccountKeys, name: str, flag: int, on: bool) -> None:
    """An account frozen, suspended or closed (see `records`), or no longer so: posted in its
    partition. It makes no entry."""
    post.to = keyspace.of(name)
    _move(keyspace, post, own, post.to.partition)
    post.kind = Kind.FLAG
    post.extra = (flag, int(on))
    post.box = name


def mark_of(keyspace: Keyspace, partition: int, who: str, id: str) -> bytes:
    """Key of the duplicate mark of a post of `who` that is posted in `partition`.

    Ids are told apart within a partition. So one sender's id may be used once for each: a reuse
    in another partition is not seen, and is a post of its own.
    """
    return f"{keyspace.tag(partition)}d:{who}:{id}".encode()


def world_box(keyspace: Keyspace, partition: int) -> str:
    """The name under which the box of `$world` in `partition` is announced. Whoever listens to
    `$world` hears the box of its home; the others are nobody's."""
    home = keyspace.partition_of(WORLD)
    return WORLD if partition == home else f"{WORLD}.{partition}"


def out_leg(keyspace: Keyspace, source: int, dest: str, leg: Leg) -> OutLeg:
    """`leg`, aimed from partition `source` at the one labelled `dest`."""
    lane, outbox = keyspace.lane_out(source, dest), keyspace.outbox(source, dest)
    return OutLeg(dest, lane, outbox, leg, pack_leg(leg))


def to_self(post: Post, own: AccountKeys) -> None:
    """For one's own box alone."""
    post.partition = own.partition
    post.box = own.name
    post.boxes = (own.box,)
    post.names = (own.name,)


def _move(keyspace: Keyspace, post: Post, own: AccountKeys, partition: int) -> None:
    """Post it in `partition`, where its mark then is, too."""
    post.partition = partition
    if partition != own.partition:
        post.mark = mark_of(keyspace, partition, own.name, post.id)


def _money(post: Post, frame: Payment | Deposit) -> None:
    post.amount = frame.amount
    post.currency = frame.currency if frame.currency in EXPONENTS else ""


def _give(keyspace: Keyspace, post: Post, payee: AccountKeys, gift: Deposit) -> None:
    partition = payee.partition
    world = keyspace.world(partition)
    post.sender, post.to = world, payee
    _money(post, gift)
    post.total = keyspace.total(post.currency or "XXX", partition)
    post.box = payee.name
    post.boxes = (payee.box, world.box)
    post.names = (payee.name, world_box(keyspace, partition))


def _pay_away(keyspace: Keyspace, post: Post, payee: AccountKeys) -> None:
    """The payee gets the entry as settled; all boxes on this side say that it was accepted."""
    assert post.entry is not None
    money = post.amount, post.currency
    leg = Leg(LegKind.PERSON, payee.name, post.who, post.id, *money, post.body)
    post.legs = (out_leg(keyspace, post.partition, payee.label, leg),)
    post.entry = replace(post.entry, state="accepted")
    post.body = restated(post.body, post.entry)
    if payee.partition >= 0:
        post.lookups = may_be_paid(payee)
