"""Entries: what stands in mailboxes, as the hub sends it. Here those of words and money."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType, field

from .happenings import *
from .values import *


class MessageEntry(Entry, frozen=True, tag="message"):
    """Words, as an entry of a box.

    `expires_s`: how long after `at`, in seconds, they disappear. `gone`: why the text is empty: it
    was deleted, it has disappeared, its author erased their account, or the key to it cannot be
    had now.
    """

    id: str
    from_: str = field(name="from")
    to: str
    text: str
    ref: Ref | UnsetType = UNSET
    box: str = ""
    seq: int = 0
    at: int = 0
    thread: Ref | UnsetType = UNSET
    mentions: list[str] | UnsetType = UNSET
    expires_s: int | UnsetType = UNSET
    gone: Gone | UnsetType = UNSET


class EditEntry(Entry, frozen=True, tag="edit"):
    """Other words for the message `ref`."""

    id: str
    from_: str = field(name="from")
    to: str
    ref: Ref
    text: str
    box: str = ""
    seq: int = 0
    at: int = 0
    mentions: list[str] | UnsetType = UNSET
    gone: Gone | UnsetType = UNSET


class DeleteEntry(Entry, frozen=True, tag="delete"):
    """The message `ref` was taken back; for oneself (`only_me`), or only the words of a payment
    (`note`)."""

    id: str
    from_: str = field(name="from")
    to: str
    ref: Ref
    box: str = ""
    seq: int = 0
    at: int = 0
    only_me: bool = False
    note: bool = False


class ReactEntry(Entry, frozen=True, tag="react"):
    """A reaction to `ref`, or none any more."""

    id: str
    from_: str = field(name="from")
    to: str
    ref: Ref
    emoji: str
    box: str = ""
    seq: int = 0
    at: int = 0
    remove: bool = False


class PinEntry(Entry, frozen=True, tag="pin"):
    """The entry `ref` is pinned, or not any more."""

    id: str
    from_: str = field(name="from")
    to: str
    ref: Ref
    box: str = ""
    seq: int = 0
    at: int = 0
    remove: bool = False


class ForwardEntry(Entry, frozen=True, tag="forward"):
    """Words of `ref`, sent on by somebody else."""

    id: str
    from_: str = field(name="from")
    to: str
    ref: Ref
    text: str
    box: str = ""
    seq: int = 0
    at: int = 0
    gone: Gone | UnsetType = UNSET


class PaymentEntry(Entry, frozen=True, tag="payment"):
    """Money, as an entry of a box: the receipt is the entry.

    Live entries of one's own box carry one's `balance` right after it; stored ones do not.
    `state`: at the payer's and in a room, `accepted` means that the payee is in another partition
    and the money was still on its way; the payee's own entry is `settled`. `waiting`: the payee has
    not accepted the payer yet, and cannot spend the money.
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
    state: Literal["settled", "accepted", "waiting"] | UnsetType = UNSET
    balance: BalanceAfter | UnsetType = UNSET
    gone: Gone | UnsetType = UNSET


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
    """The payee has the money of the payment `id`, which was `accepted` or `waiting` before.

    Live entries carry the payee's `balance` right after it, where the money had waited.
    """

    id: str
    from_: str = field(name="from")
    to: str
    amount: int
    currency: str
    box: str = ""
    seq: int = 0
    at: int = 0
    balance: BalanceAfter | UnsetType = UNSET


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


AnyEntry = (
    MessageEntry
    | EditEntry
    | DeleteEntry
    | ReactEntry
    | PinEntry
    | ForwardEntry
    | PaymentEntry
    | DepositEntry
    | SettledEntry
    | ReturnedEntry
    | CreateEntry
    | JoinEntry
    | LeaveEntry
    | InviteEntry
    | KickEntry
    | BanEntry
    | MuteEntry
    | RoleEntry
    | TopicEntry
    | ProfileEntry
    | ArrangeEntry
    | AcceptEntry
    | DeclineEntry
    | BlockEntry
    | UnblockEntry
    | RevokeEntry
    | ReadEntry
    | DeliveredEntry
)
