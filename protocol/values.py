"""What the fields of frames are: their types, and the limits that hold for them.

Amounts and balances are whole minor units. Times are milliseconds since 1970-01-01 UTC by the
store's clock. A *box* is the name of a mailbox: a person's (`@alice`) or a room's (`#general`). A
`seq` numbers the entries of one box, from 1, without a gap.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from .limits import *
from .money import AMOUNT_MAX

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
DeviceId = Annotated[str, Meta(min_length=8, max_length=32)]
"""Names a device of an account; it is no secret."""
InviteCode = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{16,64}\Z")]
"""The secret of an invitation by link, chosen at random by who makes it."""
Uses = Annotated[int, Meta(ge=0, le=1_000_000)]
Lifetime = Annotated[int, Meta(ge=1, le=LIFETIME_S_MAX)]
"""Seconds."""
Title = Annotated[str, Meta(max_length=TITLE_CHARS_MAX)]
Emoji = Annotated[str, Meta(min_length=1, max_length=16)]
Mentions = Annotated[list[Name], Meta(max_length=MENTIONS_MAX)]
Access = Literal["public", "private", "ask"]
RoleName = Literal["owner", "admin", "member", "reader"]
Gone = Literal["deleted", "expired", "erased", "locked"]
"""Why an entry has no words: deleted, disappeared, its author erased, or no key at hand."""
Seq = Annotated[int, Meta(ge=0, le=AMOUNT_MAX)]


class Ref(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Names an earlier entry: who sent it and its `id`. The same for everyone who sees it."""

    from_: Name = field(name="from")
    id: Id


class ClientFrame(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", omit_defaults=True, gc=False
):
    """What a client sends. `id` is its correlation id and its idempotency key."""


class HubFrame(Struct, frozen=True, tag_field="type", omit_defaults=True, gc=False):
    """What the hub sends. Clients ignore fields they do not know."""


class BalanceAfter(Struct, frozen=True, gc=False):
    """One's balance of the payment's currency right after it. `version` counts the changes of the
    account's money; a higher one is newer."""

    available: int
    held: int
    version: int


class Entry(HubFrame, frozen=True):
    """A frame as it was sent, plus who sent it and where it stands. Of no use by itself."""
