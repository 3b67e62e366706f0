"""What a link tells its user: a closed set of events, in the order in which they happened.

A frame is a plain dict, as it travels. `Posted`, `Sent`, `Again`, `Unknown`, `Stored` and
`Refused` follow one frame of ours through its life; its id ties them together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

Frame: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Connected:
    """A `welcome` came. `resumed`: not for the first time. `reset`: boxes that were restored
    from a backup, so that what is known of them must be forgotten and read again. `limits`: those
    of the hub."""

    me: str
    boxes: tuple[str, ...]
    balances: Frame
    version: int
    resumed: bool
    reset: tuple[str, ...] = ()
    limits: Frame = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection is gone; the next attempt follows in `retry_in` seconds."""

    reason: str
    retry_in: float


@dataclass(frozen=True, slots=True)
class Stopped:
    """The link ended and will not connect again. `code` is `closed`, an error code or a close."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Farewell:
    """The hub is about to close the connection."""

    reason: str
    retry_after_ms: int | None


@dataclass(frozen=True, slots=True)
class Posted:
    """A frame of ours was taken on; it stays unanswered until `Stored`, `Refused` or a page."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class Sent:
    """A frame of ours was written to a socket."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class Unknown:
    """The connection broke before the answer: the frame may or may not have happened. It is
    sent again, unchanged, after the reconnect."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class Again:
    """The hub has no final answer yet; the same frame goes out again in `pause` seconds.

    `unknown`: even the hub cannot tell whether it happened."""

    frame: Frame
    code: str
    pause: float
    unknown: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """A frame of ours is stored; `ack` is the hub's answer."""

    frame: Frame
    ack: Frame


@dataclass(frozen=True, slots=True)
class Refused:
    """A frame of ours was refused, and nothing happened."""

    frame: Frame
    code: str
    message: str
    details: Frame = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EntryCame:
    """An entry of one of our boxes, each exactly once (but one that filled a gap and changes
    another may come again). `late`: newer ones may have come before it."""

    entry: Frame
    late: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """The entries of a box below the seq `before`, ascending; without it the newest. `more`: there
    are still older ones. `later`: newer entries that change what stands on the page."""

    box: str
    entries: tuple[Frame, ...]
    more: bool
    before: int | None = None
    later: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True)
class BalanceCame:
    """Our balances: `{"USD": {"available", "held"}}` in minor units; `version` orders them."""

    balances: Frame
    version: int


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a question of ours, such as a page of members."""

    question: Frame
    answer: Frame


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something that nobody keeps: someone types, comes, goes, or has read in a room."""

    notice: Frame


@dataclass(frozen=True, slots=True)
class Trouble:
    """The hub complains about something that is no frame of ours, or not any more."""

    code: str
    message: str


Event: TypeAlias = (
    Connected
    | Disconnected
    | Stopped
    | Farewell
    | Posted
    | Sent
    | Unknown
    | Again
    | Stored
    | Refused
    | EntryCame
    | Page
    | BalanceCame
    | Answered
    | Noticed
    | Trouble
)


def room_entered(event: Event) -> str | None:
    """The room that this event lets us into, if it does."""
    if not isinstance(event, Stored) or event.frame["type"] not in ("create", "join"):
        return None
    return None if asked_to_join(event) else str(event.frame["room"])


def asked_to_join(event: Event) -> bool:
    """Whether this event tells that we only asked to come into a room."""
    return isinstance(event, Stored) and bool(event.ack.get("asks", False))
