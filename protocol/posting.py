"""The durable frames that clients send: each becomes a post, and is answered with an `ack`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from .values import *


class Message(ClientFrame, frozen=True, tag="message"):
    """Words to a person or a room, or to oneself as a note. Answer: `ack`.

    `ref`: the entry this replies to. `thread`: the entry that began the thread it belongs to.
    `mentions`: whom it calls; `@all` only by owners and admins of the room. `expires_s`: the words
    disappear that long after they were stored. The first words to a stranger are a request; see
    `accept`.
    """

    id: Id
    to: Name
    text: Text
    ref: Ref | UnsetType = UNSET
    thread: Ref | UnsetType = UNSET
    mentions: Mentions | UnsetType = UNSET
    expires_s: Lifetime | UnsetType = UNSET


class Edit(ClientFrame, frozen=True, tag="edit"):
    """Other words for one's own message `ref` in the conversation with `to`. Answer: `ack`.

    For 7 days; the earlier words stay in the history of the entry.
    """

    id: Id
    to: Name
    ref: Ref
    text: Text
    mentions: Mentions | UnsetType = UNSET


class Delete(ClientFrame, frozen=True, tag="delete"):
    """Take back the message `ref`; admins of a room may anybody's. Answer: `ack`.

    `only_me`: hide it from oneself, whoever sent it. `note`: hide the words of one's own payment;
    the money stays. Money entries cannot be deleted.
    """

    id: Id
    to: Name
    ref: Ref
    only_me: bool = False
    note: bool = False


class React(ClientFrame, frozen=True, tag="react"):
    """A reaction to the entry `ref`, or not any more (`remove`). Answer: `ack`."""

    id: Id
    to: Name
    ref: Ref
    emoji: Emoji
    remove: bool = False


class Pin(ClientFrame, frozen=True, tag="pin"):
    """Keep the entry `ref` in view for everybody in the conversation, or not any more (`remove`).

    In rooms only owners and admins may. Answer: `ack`.
    """

    id: Id
    to: Name
    ref: Ref
    remove: bool = False


class Forward(ClientFrame, frozen=True, tag="forward"):
    """Send the message `ref`, which stands at `seq` of `box`, on to `to`. Answer: `ack`.

    The hub copies the words from there, so that nobody can be quoted wrongly.
    """

    id: Id
    to: Name
    ref: Ref
    box: Name
    seq: Seq


class Payment(ClientFrame, frozen=True, tag="payment"):
    """Money to a person, perhaps with words, perhaps shown in a room too. Answer: `ack`.

    `durable`: how safe the payment must be before it is acknowledged, if safer than the hub's own
    rule; the `ack` says what was reached. It is no part of the content: the same payment may be
    sent again with another. Money to somebody who has not accepted the sender waits there, and
    comes back if they decline.
    """

    id: Id
    to: Person
    amount: Amount
    currency: Currency
    text: Text | UnsetType = UNSET
    room: RoomName | UnsetType = UNSET
    durable: Literal["disk", "replica"] | UnsetType = UNSET


class Create(ClientFrame, frozen=True, tag="create"):
    """Make a room and become its owner. Answer: `ack`.

    `access`: who may join a room: anybody, only who was invited, or whom an admin accepts.
    """

    id: Id
    room: RoomName
    access: Access = "public"
    title: Title | UnsetType = UNSET


class Join(ClientFrame, frozen=True, tag="join"):
    """Become a member of a room; where admins decide, ask to. Answer: `ack` (`asks`: not in yet).

    `code`: that of an invitation by link.
    """

    id: Id
    room: RoomName
    code: InviteCode | UnsetType = UNSET


class Leave(ClientFrame, frozen=True, tag="leave"):
    """Stop being a member of a room. Answer: `ack`.

    An owner who is not alone there must first give the room away; see `role`.
    """

    id: Id
    room: RoomName


class Invite(ClientFrame, frozen=True, tag="invite"):
    """Invite `who` into a room, or make a link for everybody who knows its `code`. Answer: `ack`.

    A link counts its `uses` and ends after `expires_s`; 0 uses end it now. Only owners and admins
    may; people also every member of a public room.
    """

    id: Id
    room: RoomName
    who: Person | UnsetType = UNSET
    code: InviteCode | UnsetType = UNSET
    uses: Uses = 1
    expires_s: Lifetime = 7 * 86_400


class Kick(ClientFrame, frozen=True, tag="kick"):
    """Put `who` out of a room; they may join again. Owners and admins may. Answer: `ack`."""

    id: Id
    room: RoomName
    who: Person


class Ban(ClientFrame, frozen=True, tag="ban"):
    """Put `who` out of a room and keep them out, for a time or for good; or end that (`remove`).

    Owners and admins may. Answer: `ack`.
    """

    id: Id
    room: RoomName
    who: Person
    for_s: Lifetime | UnsetType = UNSET
    remove: bool = False


class Mute(ClientFrame, frozen=True, tag="mute"):
    """Let `who` only read in a room, for a time; or end that (`remove`). Owners and admins may.

    Answer: `ack`.
    """

    id: Id
    room: RoomName
    who: Person
    for_s: Lifetime = 3_600
    remove: bool = False


class Role(ClientFrame, frozen=True, tag="role"):
    """Make a member an admin, a member, or a reader, who may not write; owners and admins may.

    `owner` gives the room away: the owner becomes an admin. Answer: `ack`.
    """

    id: Id
    room: RoomName
    who: Person
    role: RoleName


class Topic(ClientFrame, frozen=True, tag="topic"):
    """What a room is about, and its rules; what is left out stays. Owners and admins may.

    `slow_s`: a member may write once in so many seconds; 0: no such rule. Answer: `ack`.
    """

    id: Id
    room: RoomName
    topic: Annotated[str, Meta(max_length=TOPIC_CHARS_MAX)] | UnsetType = UNSET
    title: Title | UnsetType = UNSET
    access: Access | UnsetType = UNSET
    slow_s: Annotated[int, Meta(ge=0, le=86_400)] | UnsetType = UNSET


class Profile(ClientFrame, frozen=True, tag="profile"):
    """One's own name, status text and privacy; what is left out stays. Answer: `ack`.

    `receipts`: whether one tells, and is told, what was delivered and read. `seen`: whether others
    see when one was last there.
    """

    id: Id
    name: Title | UnsetType = UNSET
    about: Annotated[str, Meta(max_length=TOPIC_CHARS_MAX)] | UnsetType = UNSET
    receipts: bool | UnsetType = UNSET
    seen: bool | UnsetType = UNSET


class Arrange(ClientFrame, frozen=True, tag="arrange"):
    """How one wants to see the conversation with `who`; what is left out stays. Answer: `ack`."""

    id: Id
    who: Name
    muted: bool | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET
    archived: bool | UnsetType = UNSET


class Accept(ClientFrame, frozen=True, tag="accept"):
    """Take the request of the stranger `who`, with the money that waits; or, with `room`, let
    `who` into a room that they asked to join. Answer: `ack`."""

    id: Id
    who: Person
    room: RoomName | UnsetType = UNSET


class Decline(ClientFrame, frozen=True, tag="decline"):
    """Refuse the request of the stranger `who`; money that waits goes back. With `room`: do not
    let `who` in. Answer: `ack`."""

    id: Id
    who: Person
    room: RoomName | UnsetType = UNSET


class Block(ClientFrame, frozen=True, tag="block"):
    """No words and no money between oneself and `who` any more; what of theirs waits goes back.

    Answer: `ack`.
    """

    id: Id
    who: Person


class Unblock(ClientFrame, frozen=True, tag="unblock"):
    """End a `block`; `who` is accepted. Answer: `ack`."""

    id: Id
    who: Person


class Revoke(ClientFrame, frozen=True, tag="revoke"):
    """Log out one device, or with no `device` all others; they are cut off at once.

    Answer: `ack`.
    """

    id: Id
    device: DeviceId | UnsetType = UNSET


class Erase(ClientFrame, frozen=True, tag="erase"):
    """Close one's account for ever and destroy all its words. Answer: `ack`, then a close (4500).

    No money may be left, nor waiting, nor a room owned that others are in. What was paid stays in
    the books, under the handle, which nobody gets again.
    """

    id: Id
    password: Annotated[str, Meta(max_length=PASSWORD_CHARS_MAX)]


class Read(ClientFrame, frozen=True, tag="read"):
    """All of the conversation with `to`, up to the entry `up_to`, was read. Answer: `ack`."""

    id: Id
    to: Name
    up_to: Id


class Delivered(ClientFrame, frozen=True, tag="delivered"):
    """All of the conversation with `to`, up to the entry `up_to`, arrived. Answer: `ack`."""

    id: Id
    to: Name
    up_to: Id


class Deposit(ClientFrame, frozen=True, tag="deposit"):
    """Money from `$world` into an account; only the operator may. Answer: `ack`."""

    id: Id
    to: Person
    amount: Amount
    currency: Currency
    text: Text | UnsetType = UNSET


class Freeze(ClientFrame, frozen=True, tag="freeze"):
    """Freeze an account, or lift the freeze; only the operator may. Answer: `ack`."""

    id: Id
    who: Person
    frozen: bool = True


class Suspend(ClientFrame, frozen=True, tag="suspend"):
    """Lock somebody out, or let them in again; only the operator may. Answer: `ack`.

    Their connections are closed, and nothing can be sent to them.
    """

    id: Id
    who: Person
    suspended: bool = True
