"""Aims what changes a room: who may, what becomes of its members, and whom it concerns elsewhere.

All of it is posted in the room's partition, where its members and rules are, so that two who
command at once cannot contradict each other. A person who comes or goes by another's hand keeps
the rooms they are in up to date by a leg, where they live in another partition.
"""

from __future__ import annotations

from msgspec.structs import replace

from protocol.frames import (
    Accept,
    Ban,
    Create,
    Decline,
    Invite,
    Join,
    JoinEntry,
    Kick,
    Leave,
    Mute,
    Role,
    Topic,
)

from . import room_rights as rights
from .conditions import Change, Op
from .entries import digest_of, encode_entry, restated
from .keys import AccountKeys, Keyspace
from .legs import Leg, LegKind
from .lookups import has_place, is_there
from .posts import Kind, Post
from .routing import membership, out_leg, to_room
from .status import Status


def create(keyspace: Keyspace, post: Post, own: AccountKeys, frame: Create, most: int) -> None:
    """A new room, with what is said of it. `most`: rooms of an account."""
    membership(keyspace, post, own, frame, most)
    room = keyspace.of(frame.room)
    post.changes = (
        Change(room.profile, Op.PUT, "access", frame.access),
        Change(room.profile, Op.UNTIL, "created", "0"),
    )
    if isinstance(frame.title, str) and frame.title:
        post.changes += (Change(room.profile, Op.PUT, "title", frame.title),)


def join(keyspace: Keyspace, post: Post, own: AccountKeys, frame: Join, most: int) -> None:
    """Come in, by right or by a code; where admins decide, ask to.

    The hub does not know which it will be: the post has its other forms behind it, each for the
    case that the one before is refused as `not_invited`.
    """
    membership(keyspace, post, own, frame, most)
    room, who = keyspace.of(frame.room), own.name
    here = (rights.lives_on(room), rights.not_banned(room, who))
    post.changes = _forget_wish(room, who)
    if isinstance(frame.code, str):
        post.digest = digest_of(encode_entry(frame))  # the entry does not tell the code
    if own.partition >= 0:  # the region of anybody else could not tell asking from joining
        post.otherwise = Status.NOT_INVITED, _ask(keyspace, post, own, room)
    if isinstance(frame.code, str):
        coded = replace(post, conditions=(*here, *rights.knows(room, frame.code)))
        coded.changes += (Change(room.rules, Op.ADD, f"u:{frame.code}", "-1"),)
        post.otherwise = Status.NOT_INVITED, coded
    post.conditions = (*here, *rights.may_come(room, who))


def leave(keyspace: Keyspace, post: Post, own: AccountKeys, frame: Leave) -> None:
    """Go out of a room; its owner only if nobody else is in it."""
    membership(keyspace, post, own, frame, 0)
    post.conditions = rights.may_leave(keyspace.of(frame.room), own.name)


def invite(keyspace: Keyspace, post: Post, own: AccountKeys, frame: Invite, who: str) -> None:
    """Tell `who`, and the room, that `who` may come in."""
    room = _in_room(keyspace, post, own, frame.room)
    post.digest = digest_of(encode_entry(frame))  # the entry does not tell for how long
    post.conditions = (
        *rights.may_invite(room, own.name),
        rights.is_not_in(room, who),
        rights.not_banned(room, who),
        rights.not_invited(room, who),
        rights.has_space(room),
    )
    until = str(frame.expires_s * 1000)
    post.changes = rights.without_ended(room), Change(room.rules, Op.UNTIL, f"v:{who}", until)
    _exists(keyspace, post, who)
    _tell(keyspace, post, who)
    if post.to is not None:  # else their own partition looks at what they think of each other
        post.pair = keyspace.pair(post.partition, own.name, who)


def link(keyspace: Keyspace, post: Post, own: AccountKeys, frame: Invite, code: str) -> None:
    """Let in so many of those who know `code`. It makes no entry, as nobody else may know it; so
    only who leads the room may: members of a public one would keep a way in that nobody knows.
    """
    room = _in_room(keyspace, post, own, frame.room)
    post.boxes, post.names = (), ()
    post.conditions = (rights.leads(room, own.name),)
    until, left, maker = f"x:{code}", f"u:{code}", f"k:{code}"
    if not frame.uses:
        post.changes = tuple(Change(room.rules, Op.DROP, one) for one in (until, left, maker))
        return
    post.conditions += (rights.has_space(room),)
    post.changes = (
        rights.without_ended(room),
        Change(room.rules, Op.UNTIL, until, str(frame.expires_s * 1000)),
        Change(room.rules, Op.PUT, left, str(frame.uses)),
        Change(room.rules, Op.PUT, maker, own.name),
    )


def kick(keyspace: Keyspace, post: Post, own: AccountKeys, frame: Kick) -> None:
    """Put a member out of a room."""
    room = _in_room(keyspace, post, own, frame.room)
    _put_out(keyspace, post, room, own.name, frame.who)


def ban(keyspace: Keyspace, post: Post, own: AccountKeys, frame: Ban) -> None:
    """Put somebody out of a room and keep them out; or let them come again.

    Only who was a member is told in their own box: nobody can be pestered with bans.
    """
    room = _in_room(keyspace, post, own, frame.room)
    who, field = frame.who, f"b:{frame.who}"
    if frame.remove:
        post.conditions = (rights.leads(room, own.name),)
        post.changes = (Change(room.rules, Op.DROP, field),)
        return
    _exists(keyspace, post, who)
    if isinstance(frame.for_s, int):
        kept = Change(room.rules, Op.UNTIL, field, str(frame.for_s * 1000))
    else:
        kept = Change(room.rules, Op.PUT, field, "0")
    bare = replace(post)
    bare.conditions = (*rights.above(room, own.name, who), rights.is_not_in(room, who))
    bare.changes = (rights.without_ended(room), kept, *_forget_wish(room, who))
    _put_out(keyspace, post, room, own.name, who)
    post.changes += (rights.without_ended(room), kept, *_forget_wish(room, who))
    again = replace(post)  # who came in between the two
    bare.otherwise = Status.ALREADY_A_MEMBER, again
    post.otherwise = Status.NOT_A_MEMBER, bare


def mute(keyspace: Keyspace, post: Post, own: AccountKeys, frame: Mute) -> None:
    """Let a member only read for a time; they keep their role."""
    room = _in_room(keyspace, post, own, frame.room)
    post.conditions = (*rights.above(room, own.name, frame.who), rights.is_in(room, frame.who))
    pause = "0" if frame.remove else str(frame.for_s * 1000)
    post.changes = (Change(room.members, Op.HUSH, frame.who, pause),)


def role(keyspace: Keyspace, post: Post, own: AccountKeys, frame: Role) -> None:
    """Give a member another role, or the room; a mute ends by that."""
    room = _in_room(keyspace, post, own, frame.room)
    may = rights.above
    post.changes = (Change(room.members, Op.PUT, frame.who, frame.role),)
    if frame.role == "owner":
        may = rights.owns
        post.changes += (Change(room.members, Op.PUT, own.name, "admin"),)
    post.conditions = (*may(room, own.name, frame.who), rights.is_in(room, frame.who))


def topic(keyspace: Keyspace, post: Post, own: AccountKeys, frame: Topic) -> None:
    """What a room says of itself, and its rules."""
    room = _in_room(keyspace, post, own, frame.room)
    post.conditions = (rights.leads(room, own.name),)
    for field in ("topic", "title", "access", "slow_s"):
        value = getattr(frame, field)
        if isinstance(value, str | int):
            op = Op.PUT if value else Op.DROP
            post.changes += (Change(room.profile, op, field, str(value or "")),)


def answer(
    keyspace: Keyspace,
    post: Post,
    own: AccountKeys,
    frame: Accept | Decline,
    room_name: str,
    most: int,
) -> None:
    """Let somebody into the room that they asked to join, or not. They are told in their box.
    `most`: rooms of an account."""
    room = _in_room(keyspace, post, own, room_name)
    who = frame.who
    post.conditions = rights.leads(room, own.name), rights.asks(room, who)
    post.changes = _forget_wish(room, who)
    if isinstance(frame, Accept):
        post.conditions += rights.is_not_in(room, who), rights.not_banned(room, who)
        post.changes += (Change(room.members, Op.PUT, who, "member"),)
        if (other := keyspace.party(who)).partition >= 0:
            post.lookups = has_place(other, most)
        _change_rooms(keyspace, post, who, room, LegKind.JOIN)
    _tell(keyspace, post, who)


def _in_room(keyspace: Keyspace, post: Post, own: AccountKeys, name: str) -> AccountKeys:
    """Post it in the room's partition, for the room's box, as a member."""
    to_room(keyspace, post, own, name)
    return keyspace.of(name)


def _ask(keyspace: Keyspace, post: Post, own: AccountKeys, room: AccountKeys) -> Post:
    """`post`, a join, as a request: it stands in the room, and in one's own box, where it tells
    all one's devices that one only asks."""
    assert isinstance(post.entry, JoinEntry)
    who = own.name
    entry = replace(post.entry, asks=True)
    form = replace(post, kind=Kind.ASK, entry=entry, extra=(), legs=())
    form.body = restated(post.body, entry)
    form.room = form.members = None  # who asks is no member, and the first form found the room
    form.conditions = (
        rights.is_not_in(room, who),
        rights.lives_on(room),
        rights.not_banned(room, who),
        *rights.may_ask(room, who),
    )
    form.changes = rights.without_ended(room), Change(room.rules, Op.UNTIL, f"a:{who}", "0")
    _tell(keyspace, form, who)
    return form


def _put_out(keyspace: Keyspace, post: Post, room: AccountKeys, who: str, other: str) -> None:
    post.conditions = (*rights.above(room, who, other), rights.is_in(room, other))
    post.changes = (Change(room.members, Op.DROP, other),)
    _change_rooms(keyspace, post, other, room, LegKind.LEAVE)
    _tell(keyspace, post, other)


def _forget_wish(room: AccountKeys, who: str) -> tuple[Change, ...]:
    """No invitation and no request of `who` stands any more."""
    return tuple(Change(room.rules, Op.DROP, f"{kind}:{who}") for kind in "va")


def _change_rooms(
    keyspace: Keyspace, post: Post, who: str, room: AccountKeys, kind: LegKind
) -> None:
    """The rooms that `who` is in, with `room` or without, here or by a leg."""
    other = keyspace.party(who)
    if other.partition == room.partition:
        op = Op.ENLIST if kind is LegKind.JOIN else Op.STRIKE
        post.changes += (Change(other.joined, op, room.name),)
    else:
        leg = Leg(kind, who, who, post.id, room=room.name)
        post.legs += (out_leg(keyspace, post.partition, other.label, leg),)


def _tell(keyspace: Keyspace, post: Post, who: str) -> None:
    """The entry stands in the box of `who`, too."""
    other = keyspace.party(who)
    if other.partition == post.partition:
        post.boxes += (other.box,)
        post.names += (who,)
    else:
        leg = Leg(LegKind.TELL, who, post.who, post.id, body=post.body)
        post.legs += (out_leg(keyspace, post.partition, other.label, leg),)


def _exists(keyspace: Keyspace, post: Post, who: str) -> None:
    """There must be such an account."""
    other = keyspace.party(who)
    if other.partition == post.partition:
        post.to = other
    elif other.partition >= 0:
        post.lookups += is_there(other)
