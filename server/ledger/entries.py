"""Entries as they are stored, and the digest that tells a duplicate from another frame.

Stored: 13 digits of the store's time in ms, then the entry in MessagePack without `box`, `seq` and
`at`, which its place says.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, cast

import msgspec
from msgspec import UNSET

from protocol.frames import (
    AnyEntry,
    ClientFrame,
    Create,
    CreateEntry,
    Delivered,
    DeliveredEntry,
    Deposit,
    DepositEntry,
    Entry,
    Join,
    JoinEntry,
    Leave,
    LeaveEntry,
    Message,
    MessageEntry,
    Payment,
    PaymentEntry,
    Read,
    ReadEntry,
)

TIME_DIGITS = 13

_EMPTY = blake2b(digest_size=16)
encode_entry = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(AnyEntry).decode


def digest_of(content: bytes) -> bytes:
    """16 bytes over the whole content of a frame, as it is stored, whatever encoding it came in.

    So the stored form of an entry must not change: an old frame sent again would look altered.
    """
    digest = _EMPTY.copy()  # quicker than a new one with its parameters
    digest.update(content)
    return digest.digest()


def _message(frame: Message, sender: str, box: str, seq: int, at: int) -> Entry:
    return MessageEntry(frame.id, sender, frame.to, frame.text, frame.ref, box, seq, at)


def _payment(frame: Payment, sender: str, box: str, seq: int, at: int) -> Entry:
    return PaymentEntry(
        id=frame.id,
        from_=sender,
        to=frame.to,
        amount=frame.amount,
        currency=frame.currency,
        text=frame.text,
        room=frame.room,
        box=box,
        seq=seq,
        at=at,
        state="settled",
    )


def _deposit(frame: Deposit, sender: str, box: str, seq: int, at: int) -> Entry:
    return DepositEntry(
        id=frame.id,
        from_=sender,
        to=frame.to,
        amount=frame.amount,
        currency=frame.currency,
        text=frame.text,
        box=box,
        seq=seq,
        at=at,
        state="settled",
    )


_ENTRY: dict[type[ClientFrame], Callable[[Any, str, str, int, int], Entry]] = {
    Message: _message,
    Payment: _payment,
    Deposit: _deposit,
    Read: lambda f, sender, *place: ReadEntry(f.id, sender, f.to, f.up_to, *place),
    Delivered: lambda f, sender, *place: DeliveredEntry(f.id, sender, f.to, f.up_to, *place),
    Create: lambda f, sender, *place: CreateEntry(f.id, sender, f.room, *place),
    Join: lambda f, sender, *place: JoinEntry(f.id, sender, f.room, *place),
    Leave: lambda f, sender, *place: LeaveEntry(f.id, sender, f.room, *place),
}


def entry_of(frame: ClientFrame, sender: str, box: str = "", seq: int = 0, at: int = 0) -> Entry:
    """The entry that `frame` of `sender` makes at `seq` of `box`."""
    return _ENTRY[type(frame)](frame, sender, box, seq, at)


def decode_entry(body: bytes) -> Entry:
    """The entry of a leg, which has neither time nor place yet.

    Raises:
        ValueError: if it is damaged.
    """
    try:
        return cast(Entry, _decode(body))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"the entry of a leg is damaged: {error}") from None


def read_entry(stored: bytes, box: str, seq: int) -> Entry:
    """The stored entry at `seq` of `box`, as it is sent.

    Raises:
        ValueError: if it is not an entry; it was damaged or written by something else.
    """
    try:
        entry = _decode(stored[TIME_DIGITS:])
        at = int(stored[:TIME_DIGITS])
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"entry {seq} of {box} is damaged: {error}") from None
    return cast(Entry, msgspec.structs.replace(entry, box=box, seq=seq, at=at))


def differing_field(frame: ClientFrame, stored: bytes) -> str:
    """The first field in which `frame` differs from the entry stored under the same id."""
    original = _decode(stored[TIME_DIGITS:])
    name = type(frame).__struct_config__.tag
    if type(original).__struct_config__.tag != name:
        return "type"
    for field in frame.__struct_fields__:
        if getattr(frame, field) != getattr(original, field, UNSET):
            return field
    return "content"


def read_call(box: bytes, first: int, last: int, most_bytes: int) -> tuple[bytes | str | int, ...]:
    """The command that reads entries of the list `box`: see ``lua/contract.lua``, teller_read."""
    return ("FCALL_RO", "teller_read", 1, box, first, last, most_bytes)


def read_entries(reply: list[Any], box: str) -> tuple[int, list[Entry]]:
    """Length of `box`, and the entries that `read_call` brought.

    Raises:
        ValueError: if one is damaged.
    """
    length, last, stored = reply
    first = last - len(stored) + 1
    return length, [read_entry(body, box, first + place) for place, body in enumerate(stored)]
