"""The frames that the hub sends, besides entries."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType, field

from .entries import *
from .values import *


class Holding(Struct, frozen=True, gc=False):
    """What an account has of one currency: free to spend, and held."""

    available: int
    held: int


class BoxState(Struct, frozen=True, omit_defaults=True, gc=False):
    """Where a box stands: its newest `seq`, and the `epoch`, which changes when it was restored.

    `limited`: the gap was too long; entries below `first` were left out and are to be had by
    `history`.
    """

    epoch: int
    seq: int
    limited: bool = False
    first: int | UnsetType = UNSET


class Welcome(HubFrame, frozen=True, tag="welcome"):
    """The answer to register, login and hello."""

    id: str
    handle: str
    boxes: dict[str, BoxState]
    balances: dict[str, Holding]
    version: int
    limits: dict[str, int]
    token: str | UnsetType = UNSET


class Ack(HubFrame, frozen=True, tag="ack"):
    """The frame `id` was stored, at `seq` of `box`. For money also its state and the balance.

    `settled`: the payee has the money. `accepted`: it has left the payer for good and is on its
    way to another partition; a `settled` or a `returned` entry follows in the payer's box.
    `waiting`: the payee has not accepted the payer yet; the same follows when they have decided.
    `asks`: this `join` did not lead into the room; its admins are asked.
    """

    id: str
    at: int
    durable: Literal["memory", "disk", "replica"]
    box: str | UnsetType = UNSET
    seq: int | UnsetType = UNSET
    replayed: bool = False
    state: Literal["settled", "accepted", "waiting"] | UnsetType = UNSET
    balance: BalanceAfter | UnsetType = UNSET
    asks: bool = False


class Error(HubFrame, frozen=True, tag="error"):
    """A frame was refused and nothing happened (but see `outcome_unknown`)."""

    code: str
    message: str
    retry: Literal["same_id", "new_id", "never"]
    id: str | UnsetType = UNSET
    details: dict[str, str | int] | UnsetType = UNSET


class Goodbye(HubFrame, frozen=True, tag="goodbye"):
    """Sent before a close. `cursors`: up to where each box was sent to this connection."""

    reason: str
    retry_after_ms: int | UnsetType = UNSET
    cursors: dict[str, int] | UnsetType = UNSET


class HistoryPage(HubFrame, frozen=True, tag="history"):
    """A page of a box, ascending. `more`: there are older entries; if the question was by `after`
    or `at`, newer ones. `later`: entries behind the page that change what stands on it."""

    id: str
    box: str
    entries: list[AnyEntry]
    more: bool
    later: list[AnyEntry] | UnsetType = UNSET


class ThreadPage(HubFrame, frozen=True, tag="thread"):
    """What was said about an entry, ascending. `more`: there are entries after the last one.
    `later`: entries that change what stands on the page."""

    id: str
    box: str
    entries: list[AnyEntry]
    more: bool
    later: list[AnyEntry] | UnsetType = UNSET


class Member(Struct, frozen=True, omit_defaults=True, gc=False):
    """A member of a room and what they are there. `muted`: up to when they may only read."""

    who: str
    role: RoleName
    muted: int | UnsetType = UNSET


class MembersPage(HubFrame, frozen=True, tag="members"):
    """A page of a room's members, by handle. `more`: there are members after the last one."""

    id: str
    room: str
    members: list[Member]
    more: bool


class Conversation(Struct, frozen=True, omit_defaults=True, gc=False):
    """One conversation: with a person, a room, or oneself.

    `unread`: entries with words or money by others, behind one's read marker; with `unread_more`
    at least so many. `state`: `request` is a stranger who waits to be accepted, `sent` one's own
    request. `waiting`: money that waits, in minor units by currency.
    """

    who: str
    state: Literal["accepted", "request", "sent", "declined", "blocked", "room", "self"]
    unread: int = 0
    unread_more: bool = False
    read_up_to: int = 0
    last: AnyEntry | UnsetType = UNSET
    muted: bool = False
    pinned: bool = False
    archived: bool = False
    waiting: dict[str, int] | UnsetType = UNSET


class ConversationsPage(HubFrame, frozen=True, tag="conversations"):
    """A page of conversations, by name. `more`: there are some after the last one."""

    id: str
    conversations: list[Conversation]
    more: bool


class Described(Struct, frozen=True, omit_defaults=True, gc=False):
    """What a person or a room says of itself. Of a room `access`, `slow_s` and the number of
    `members`; of a person `seen`, when they were last there, if they let others know."""

    who: str
    name: str = ""
    about: str = ""
    access: Access | UnsetType = UNSET
    slow_s: int = 0
    members: int | UnsetType = UNSET
    seen: int | UnsetType = UNSET


class ProfilesPage(HubFrame, frozen=True, tag="profiles"):
    """Those profiles asked for that there are."""

    id: str
    profiles: list[Described]


class BalanceSheet(HubFrame, frozen=True, tag="balance"):
    """One's own balances; `version` counts their changes."""

    id: str
    balances: dict[str, Holding]
    version: int


class StatusReport(HubFrame, frozen=True, tag="status"):
    """What became of the frame `of`: stored, with its original `ack`; or unknown to the store,
    so that it did not happen so far."""

    id: str
    of: str
    outcome: Literal["stored", "unknown"]
    ack: Ack | UnsetType = UNSET


class WatchReport(HubFrame, frozen=True, tag="watch"):
    """Who of those watched is there now, or away. Others are not there, or do not say."""

    id: str
    online: list[str]
    away: list[str]


class OwnDevice(Struct, frozen=True, omit_defaults=True, gc=False):
    """A device that is logged in: since when, when it was last there, whether it asks."""

    device: str
    name: str
    since: int
    seen: int
    current: bool = False


class DevicesPage(HubFrame, frozen=True, tag="devices"):
    """One's devices, those last there first."""

    id: str
    devices: list[OwnDevice]


class Hit(Struct, frozen=True, gc=False):
    """An entry found, and the part of its text around the words."""

    entry: AnyEntry
    snippet: str


class FoundPage(HubFrame, frozen=True, tag="found"):
    """Entries found, newest first. `after`: ask on from there; none: that was all. `behind`: number
    of entries that the index had not read yet."""

    id: str
    hits: list[Hit]
    after: str | UnsetType = UNSET
    behind: int = 0


class ExportReport(HubFrame, frozen=True, tag="export"):
    """All that is kept of an account besides entries."""

    id: str
    handle: str
    profile: Described
    settings: dict[str, bool]
    balances: dict[str, Holding]
    rooms: dict[str, str]
    contacts: dict[str, str]
    devices: list[OwnDevice]
    boxes: dict[str, int]


class TypingNotice(HubFrame, frozen=True, tag="typing"):
    """Someone types. Ephemeral."""

    from_: str = field(name="from")
    to: str


class PresenceNotice(HubFrame, frozen=True, tag="presence"):
    """Someone is there, away or gone. Ephemeral."""

    from_: str = field(name="from")
    to: str
    state: Literal["online", "away", "offline"]
