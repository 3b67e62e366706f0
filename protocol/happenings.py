"""Entries of what happened in rooms, of what one said of oneself, and of what was read."""

from __future__ import annotations

from msgspec import UNSET, UnsetType, field

from .values import *


class CreateEntry(Entry, frozen=True, tag="create"):
    """A room was made."""

    id: str
    from_: str = field(name="from")
    room: str
    box: str = ""
    seq: int = 0
    at: int = 0
    access: Access = "public"
    title: str | UnsetType = UNSET


class JoinEntry(Entry, frozen=True, tag="join"):
    """Someone became a member, or asks to (`asks`)."""

    id: str
    from_: str = field(name="from")
    room: str
    box: str = ""
    seq: int = 0
    at: int = 0
    asks: bool = False


class LeaveEntry(Entry, frozen=True, tag="leave"):
    """Someone stopped being a member."""

    id: str
    from_: str = field(name="from")
    room: str
    box: str = ""
    seq: int = 0
    at: int = 0


class InviteEntry(Entry, frozen=True, tag="invite"):
    """`who` was invited into a room. It stands in the room and in the box of `who`."""

    id: str
    from_: str = field(name="from")
    room: str
    who: str
    box: str = ""
    seq: int = 0
    at: int = 0


class KickEntry(Entry, frozen=True, tag="kick"):
    """`who` was put out of a room."""

    id: str
    from_: str = field(name="from")
    room: str
    who: str
    box: str = ""
    seq: int = 0
    at: int = 0


class BanEntry(Entry, frozen=True, tag="ban"):
    """`who` was put out of a room and is kept out, for `for_s` seconds (none: for good), or not any
    more."""

    id: str
    from_: str = field(name="from")
    room: str
    who: str
    box: str = ""
    seq: int = 0
    at: int = 0
    for_s: int | UnsetType = UNSET
    remove: bool = False


class MuteEntry(Entry, frozen=True, tag="mute"):
    """`who` may only read in a room for `for_s` seconds, or write again."""

    id: str
    from_: str = field(name="from")
    room: str
    who: str
    box: str = ""
    seq: int = 0
    at: int = 0
    for_s: int | UnsetType = UNSET
    remove: bool = False


class RoleEntry(Entry, frozen=True, tag="role"):
    """`who` has another role in a room. After `owner`, the owner before is an admin."""

    id: str
    from_: str = field(name="from")
    room: str
    who: str
    role: RoleName
    box: str = ""
    seq: int = 0
    at: int = 0


class TopicEntry(Entry, frozen=True, tag="topic"):
    """A room has another topic, title or rules."""

    id: str
    from_: str = field(name="from")
    room: str
    box: str = ""
    seq: int = 0
    at: int = 0
    topic: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    access: Access | UnsetType = UNSET
    slow_s: int | UnsetType = UNSET


class ProfileEntry(Entry, frozen=True, tag="profile"):
    """What one said of oneself, in one's own box."""

    id: str
    from_: str = field(name="from")
    box: str = ""
    seq: int = 0
    at: int = 0
    name: str | UnsetType = UNSET
    about: str | UnsetType = UNSET
    receipts: bool | UnsetType = UNSET
    seen: bool | UnsetType = UNSET


class ArrangeEntry(Entry, frozen=True, tag="arrange"):
    """How one wants to see a conversation, in one's own box."""

    id: str
    from_: str = field(name="from")
    who: str
    box: str = ""
    seq: int = 0
    at: int = 0
    muted: bool | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET
    archived: bool | UnsetType = UNSET


class AcceptEntry(Entry, frozen=True, tag="accept"):
    """A stranger was accepted, in one's own box; or `who` was let into a `room`, there."""

    id: str
    from_: str = field(name="from")
    who: str
    box: str = ""
    seq: int = 0
    at: int = 0
    room: str | UnsetType = UNSET


class DeclineEntry(Entry, frozen=True, tag="decline"):
    """A stranger was declined, in one's own box; or `who` was not let into a `room`, there."""

    id: str
    from_: str = field(name="from")
    who: str
    box: str = ""
    seq: int = 0
    at: int = 0
    room: str | UnsetType = UNSET


class BlockEntry(Entry, frozen=True, tag="block"):
    """Somebody was blocked, in one's own box."""

    id: str
    from_: str = field(name="from")
    who: str
    box: str = ""
    seq: int = 0
    at: int = 0


class UnblockEntry(Entry, frozen=True, tag="unblock"):
    """Somebody is not blocked any more, in one's own box."""

    id: str
    from_: str = field(name="from")
    who: str
    box: str = ""
    seq: int = 0
    at: int = 0


class RevokeEntry(Entry, frozen=True, tag="revoke"):
    """Devices were logged out, in one's own box; none named: all but the one that said so."""

    id: str
    from_: str = field(name="from")
    box: str = ""
    seq: int = 0
    at: int = 0
    device: str | UnsetType = UNSET


class ReadEntry(Entry, frozen=True, tag="read"):
    """A conversation was read, up to an entry."""

    id: str
    from_: str = field(name="from")
    to: str
    up_to: str
    box: str = ""
    seq: int = 0
    at: int = 0


class DeliveredEntry(Entry, frozen=True, tag="delivered"):
    """A conversation arrived on a device, up to an entry."""

    id: str
    from_: str = field(name="from")
    to: str
    up_to: str
    box: str = ""
    seq: int = 0
    at: int = 0
