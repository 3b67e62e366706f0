"""Every frame of teller.v1, as typed structs. This file is the schema; `codec` follows it.

A frame is a flat map tagged by `type`. Client frames refuse unknown fields (a typo must not move
money); hub frames are read leniently, so that a hub may add fields. Amounts and balances are whole
minor units. Times are milliseconds since 1970-01-01 UTC by the store's clock. A *box* is the name
of a mailbox: a person's (`@alice`) or a room's (`#general`). A `seq` numbers the entries of one
box, from 1, without a gap. (A long file, because a schema belongs on one page.)
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from .money import AMOUNT_MAX

FRAME_BYTES_MAX = 128 * 1024
"""Largest frame that a hub takes from a client, in bytes. IRC lives with 512, Centrifugo with
64 KiB. What a hub sends can be larger (an entry grows by its place, a page holds many): clients
should take 1 MiB."""
TEXT_CHARS_MAX = 65_536
"""Longest text of an entry, in characters."""
HISTORY_MAX = 200
"""Most entries, or members, that one page holds."""
CURSORS_MAX = 1_000
"""Most boxes that one `hello` may name."""
PASSWORD_CHARS_MIN = 8
PASSWORD_CHARS_MAX = 256

HANDLE_PATTERN = r"[a-z0-9_]{2,32}"
"""A handle; `@handle` is a person, `#handle` a room. `$handle` is a system account."""

Id = Annotated[str, Meta(min_length=1, max_length=36)]
Handle = Annotated[str, Meta(pattern=rf"^{HANDLE_PATTERN}\Z")]
Person = Annotated[str, Meta(pattern=rf"^@{HANDLE_PATTERN}\Z")]
RoomName = Annotated[str, Meta(pattern=rf"^#{HANDLE_PATTERN}\Z")]
Name = Annotated[str, Meta(min_length=3, max_length=33)]
"""`@handle` or `#handle`. Only the length is checked here: the store knows which names exist, and
a pattern costs more than all the rest of decoding a message."""
Text = Annotated[str, Meta(min_length=1, max_length=TEXT_CHARS_MAX)]
Amount = Annotated[int, Meta(ge=1, le=AMOUNT_MAX)]
Currency = Annotated[str, Meta(min_length=3, max_length=3)]
Password = Annotated[str, Meta(min_length=PASSWORD_CHARS_MIN, max_length=PASSWORD_CHARS_MAX)]
Device = Annotated[str, Meta(min_length=1, max_length=64)]
Token = Annotated[str, Meta(min_length=1, max_length=128)]
Seq = Annotated[int, Meta(ge=0, le=AMOUNT_MAX)]


class Ref(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Names an earlier entry: who sent it and its `id`. The same for everyone who sees it."""

    from_: Name = field(name="from")
    id: Id


# --- client to hub -----------------------------------------------------------------------------


class ClientFrame(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", omit_defaults=True, gc=False
):
    """What a client sends. `id` is its correlation id and its idempotency key."""


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


class Message(ClientFrame, frozen=True, tag="message"):
    """Words to a person or a room. Answer: `ack`."""

    id: Id
    to: Name
    text: Text
    ref: Ref | UnsetType = UNSET


class Payment(ClientFrame, frozen=True, tag="payment"):
    """Money to a person, perhaps with words, perhaps shown in a room too. Answer: `ack`.

    `durable`: how safe the payment must be before it is acknowledged, if safer than the hub's own
    rule; the `ack` says what was reached. It is no part of the content: the same payment may be
    sent again with another.
    """

    id: Id
    to: Person
    amount: Amount
    currency: Currency
    text: Text | UnsetType = UNSET
    room: RoomName | UnsetType = UNSET
    durable: Literal["disk", "replica"] | UnsetType = UNSET


class Create(ClientFrame, frozen=True, tag="create"):
    """Make a room and become its owner. Answer: `ack`."""

    id: Id
    room: RoomName


class Join(ClientFrame, frozen=True, tag="join"):
    """Become a member of a room. Answer: `ack`."""

    id: Id
    room: RoomName


class Leave(ClientFrame, frozen=True, tag="leave"):
    """Stop being a member of a room. Answer: `ack`."""

    id: Id
    room: RoomName


class Members(ClientFrame, frozen=True, tag="members"):
    """A page of a room's members, by handle, after `after`. Answer: `members`."""

    id: Id
    room: RoomName
    after: Name | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=HISTORY_MAX)] = 100


class History(ClientFrame, frozen=True, tag="history"):
    """The newest entries of a box below `before`, ascending. Answer: `history`.

    A page of long entries may hold fewer than `limit`; go on from its oldest while `more` is true.
    """

    id: Id
    box: Name
    before: Seq | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=HISTORY_MAX)] = 50


class Balance(ClientFrame, frozen=True, tag="balance"):
    """One's own balances. Answer: `balance`."""

    id: Id


class Status(ClientFrame, frozen=True, tag="status"):
    """What became of one's own earlier frame `of`. Answer: `status`."""

    id: Id
    of: Id


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


class Typing(ClientFrame, frozen=True, tag="typing"):
    """Someone types in the conversation with `to`. Ephemeral: no id, no answer, sheddable."""

    to: Name


class Presence(ClientFrame, frozen=True, tag="presence"):
    """Someone is there, or away. Ephemeral: no id, no answer, sheddable."""

    to: Name
    state: Literal["online", "away"] = "online"


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


AnyClientFrame = (
    Register
    | Login
    | Hello
    | Logout
    | Message
    | Payment
    | Create
    | Join
    | Leave
    | Members
    | History
    | Balance
    | Status
    | Read
    | Delivered
    | Typing
    | Presence
    | Deposit
    | Freeze
)

# --- hub to client -----------------------------------------------------------------------------


class HubFrame(Struct, frozen=True, tag_field="type", omit_defaults=True, gc=False):
    """What the hub sends. Clients ignore fields they do not know."""


class Holding(Struct, frozen=True, gc=False):
    """What an account has of one currency: free to spend, and held."""

    available: int
    held: int


class BalanceAfter(Struct, frozen=True, gc=False):
    """One's balance of the payment's currency right after it. `version` counts the changes of the
    account's money; a higher one is newer."""

    available: int
    held: int
    version: int


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
    """

    id: str
    at: int
    durable: Literal["memory", "disk", "replica"]
    box: str | UnsetType = UNSET
    seq: int | UnsetType = UNSET
    replayed: bool = False
    state: Literal["settled", "accepted"] | UnsetType = UNSET
    balance: BalanceAfter | UnsetType = UNSET


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


class Entry(HubFrame, frozen=True):
    """A frame as it was sent, plus who sent it and where it stands. Of no use by itself."""


class MessageEntry(Entry, frozen=True, tag="message"):
    """Words, as an entry of a box."""

    id: str
    from_: str = field(name="from")
    to: str
    text: str
    ref: Ref | UnsetType = UNSET
    box: str = ""
    seq: int = 0
    at: int = 0


class PaymentEntry(Entry, frozen=True, tag="payment"):
    """Money, as an entry of a box: the receipt is the entry.

    Live entries of one's own box carry one's `balance` right after it; stored ones do not.
    `state`: at the payer's and in a room, `accepted` means that the payee is in another partition
    and the money was still on its way; the payee's own entry is always `settled`.
    """

    id: str
    from_: str = field(name="from")
    to: str
    amount: int
    currency: str
    text: str | UnsetType = UNSET
    room: str | UnsetType = UNSET
    box: str = ""
    seq: int = 0
    at: int = 0
    state: Literal["settled", "accepted"] | UnsetType = UNSET
    balance: BalanceAfter | UnsetType = UNSET


class DepositEntry(Entry, frozen=True, tag="deposit"):
    """Money that came in from `$world`."""

    id: str
    from_: str = field(name="from")
    to: str
    amount: int
    currency: str
    text: str | UnsetType = UNSET
    box: str = ""
    seq: int = 0
    at: int = 0
    state: Literal["settled", "accepted"] | UnsetType = UNSET
    balance: BalanceAfter | UnsetType = UNSET


class SettledEntry(Entry, frozen=True, tag="settled"):
    """The payee has the money of the payment `id`, which was `accepted` before."""

    id: str
    from_: str = field(name="from")
    to: str
    amount: int
    currency: str
    box: str = ""
    seq: int = 0
    at: int = 0


class ReturnedEntry(Entry, frozen=True, tag="returned"):
    """What was posted as `id` could not be delivered to `to`; `reason` is an error's code.

    Money that went with it is back: `amount` of `currency` (neither, if it was words), and live
    entries carry the `balance` right after it. `suspended`: the balance cannot hold it (or the
    account cannot be read), so that it was put into `$suspense`; ask the operator.
    """

    id: str
    from_: str = field(name="from")
    to: str
    reason: str
    amount: int | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    suspended: bool = False
    box: str = ""
    seq: int = 0
    at: int = 0
    balance: BalanceAfter | UnsetType = UNSET


class CreateEntry(Entry, frozen=True, tag="create"):
    """A room was made."""

    id: str
    from_: str = field(name="from")
    room: str
    box: str = ""
    seq: int = 0
    at: int = 0


class JoinEntry(Entry, frozen=True, tag="join"):
    """Someone became a member."""

    id: str
    from_: str = field(name="from")
    room: str
    box: str = ""
    seq: int = 0
    at: int = 0


class LeaveEntry(Entry, frozen=True, tag="leave"):
    """Someone stopped being a member."""

    id: str
    from_: str = field(name="from")
    room: str
    box: str = ""
    seq: int = 0
    at: int = 0


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


AnyEntry = (
    MessageEntry
    | PaymentEntry
    | DepositEntry
    | SettledEntry
    | ReturnedEntry
    | CreateEntry
    | JoinEntry
    | LeaveEntry
    | ReadEntry
    | DeliveredEntry
)


class HistoryPage(HubFrame, frozen=True, tag="history"):
    """A page of a box, ascending. `more`: there are older entries."""

    id: str
    box: str
    entries: list[AnyEntry]
    more: bool


class Member(Struct, frozen=True, gc=False):
    """A member of a room and what they are there."""

    who: str
    role: Literal["owner", "member"]


class MembersPage(HubFrame, frozen=True, tag="members"):
    """A page of a room's members, by handle. `more`: there are members after the last one."""

    id: str
    room: str
    members: list[Member]
    more: bool


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


class TypingNotice(HubFrame, frozen=True, tag="typing"):
    """Someone types. Ephemeral."""

    from_: str = field(name="from")
    to: str


class PresenceNotice(HubFrame, frozen=True, tag="presence"):
    """Someone is there, or away. Ephemeral."""

    from_: str = field(name="from")
    to: str
    state: Literal["online", "away"]


AnyHubFrame = (
    Welcome
    | Ack
    | Error
    | Goodbye
    | AnyEntry
    | HistoryPage
    | MembersPage
    | BalanceSheet
    | StatusReport
    | TypingNotice
    | PresenceNotice
)
