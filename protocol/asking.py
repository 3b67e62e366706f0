"""The frames with which clients come in and ask, and those that are not kept."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from .values import *


class Register(ClientFrame, frozen=True, tag="register"):
    """Open an account. Answer: `welcome` with a new `token`."""

    id: Id
    handle: Handle
    password: Password
    device: Device | UnsetType = UNSET


class Login(ClientFrame, frozen=True, tag="login"):
    """Log in with a password. Answer: `welcome` with a new `token`."""

    id: Id
    handle: Handle
    password: Annotated[str, Meta(max_length=PASSWORD_CHARS_MAX)]
    device: Device | UnsetType = UNSET


class Hello(ClientFrame, frozen=True, tag="hello"):
    """Log in with a token, and resume: `cursors` holds the last `seq` seen of each box.

    Answer: `welcome`, then every missed entry of the boxes named, then live entries.
    """

    id: Id
    token: Token
    cursors: Annotated[dict[Name, Seq], Meta(max_length=CURSORS_MAX)] | UnsetType = UNSET


class Logout(ClientFrame, frozen=True, tag="logout"):
    """Revoke this connection's token. Answer: `ack`, `goodbye`, then a close (4500)."""

    id: Id


class Members(ClientFrame, frozen=True, tag="members"):
    """A page of a room's members, by handle, after `after`. Answer: `members`."""

    id: Id
    room: RoomName
    after: Name | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=HISTORY_MAX)] = 100


class History(ClientFrame, frozen=True, tag="history"):
    """A page of a box, ascending: the newest entries below `before`, or those after `after`, or
    those from the time `at` on. Answer: `history`.

    A page of long entries may hold fewer than `limit`; go on from its end while `more` is true.
    """

    id: Id
    box: Name
    before: Seq | UnsetType = UNSET
    after: Seq | UnsetType = UNSET
    at: Seq | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=HISTORY_MAX)] = 50


class Thread(ClientFrame, frozen=True, tag="thread"):
    """What was said about the entry `ref` of `box`: replies, its thread, reactions, edits; those
    after `after`, ascending. Answer: `thread`."""

    id: Id
    box: Name
    ref: Ref
    after: Seq | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=HISTORY_MAX)] = 50


class Conversations(ClientFrame, frozen=True, tag="conversations"):
    """One's conversations, by name, after `after`. Answer: `conversations`."""

    id: Id
    after: Name | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=HISTORY_MAX)] = 100


class Profiles(ClientFrame, frozen=True, tag="profiles"):
    """What people and rooms say of themselves. Answer: `profiles`."""

    id: Id
    who: Annotated[list[Name], Meta(min_length=1, max_length=PROFILES_MAX)]


class Balance(ClientFrame, frozen=True, tag="balance"):
    """One's own balances. Answer: `balance`."""

    id: Id


class Status(ClientFrame, frozen=True, tag="status"):
    """What became of one's own earlier frame `of`. Answer: `status`."""

    id: Id
    of: Id


class Watch(ClientFrame, frozen=True, tag="watch"):
    """Be told when these people come and go, in place of those watched before. Answer: `watch`.

    Only who has accepted the asker is told of.
    """

    id: Id
    who: Annotated[list[Person], Meta(max_length=WATCHED_MAX)]


class Devices(ClientFrame, frozen=True, tag="devices"):
    """The devices that are logged in. Answer: `devices`."""

    id: Id


class Search(ClientFrame, frozen=True, tag="search"):
    """Entries of one's own box and rooms that hold all these `words`, newest first.

    All but `id` may be left out: `box` (a room, or a person for the conversation with them) and
    `who` (the sender) narrow, `since` and `until` are times, `money` asks for entries with money.
    `after`: where the page before ended. Answer: `found`.
    """

    id: Id
    words: Annotated[str, Meta(max_length=QUERY_CHARS_MAX)] | UnsetType = UNSET
    box: Name | UnsetType = UNSET
    who: Name | UnsetType = UNSET
    since: Seq | UnsetType = UNSET
    until: Seq | UnsetType = UNSET
    money: bool | UnsetType = UNSET
    after: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=50)] = 20


class Export(ClientFrame, frozen=True, tag="export"):
    """All that is kept of one's account besides entries, which `history` has. Answer: `export`."""

    id: Id


class Typing(ClientFrame, frozen=True, tag="typing"):
    """Someone types in the conversation with `to`. Ephemeral: no id, no answer, sheddable."""

    to: Name


class Presence(ClientFrame, frozen=True, tag="presence"):
    """Someone is there, or away: told to those who `watch` them, and to `to` if named.

    Ephemeral: no id, no answer, sheddable.
    """

    to: Name | UnsetType = UNSET
    state: Literal["online", "away"] = "online"
