"""Entries as they are stored, and the digest that tells a duplicate from another frame.

Stored: 13 digits of the store's time in ms, then the body: the entry in MessagePack without `box`,
`seq` and `at`, which its place says. Where it has words, these are sealed (`server.seal`): the body
is `SEALED`, two bytes with the length of the public part, that part (the entry with its words left
empty), and the sealed words: a digest of 16 bytes over both parts, and as many bytes as the words
have. All that is here reads the public part, and needs no key.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, cast

import msgspec
from msgspec import UNSET

from protocol import frames
from protocol.frames import (
    AnyEntry,
    ClientFrame,
    Deposit,
    DepositEntry,
    EditEntry,
    Entry,
    Forward,
    ForwardEntry,
    Message,
    MessageEntry,
    Payment,
    PaymentEntry,
    ProfileEntry,
)

from .corrections import CorrectionEntry

TIME_DIGITS = 13
SEALED = 0xC1
"""The first byte of a body with sealed words; no MessagePack begins so."""
DIGEST_BYTES = 16
WORDS: dict[type[Entry], dict[str, Any]] = {
    **{kind: {"text": ""} for kind in (MessageEntry, EditEntry, ForwardEntry)},
    **{kind: {"text": ""} for kind in (PaymentEntry, DepositEntry)},
    ProfileEntry: {"name": UNSET, "about": UNSET},
}
"""The fields that are sealed, and what the public part has in their place."""
_PUBLIC = 3
"""Where the public part begins."""

_EMPTY = blake2b(digest_size=DIGEST_BYTES)
encode_entry = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(AnyEntry | CorrectionEntry).decode


def digest_of(content: bytes) -> bytes:
    """16 bytes over the whole content of a frame, as it is stored, whatever encoding it came in.

    So the stored form of an entry must not change: an old frame sent again would look altered. Of a
    message the digest in its seal serves, which is over the same, too; of money this one, which the
    audit can check without keys.
    """
    digest = _EMPTY.copy()  # quicker than a new one with its parameters
    digest.update(content)
    return digest.digest()


def message_entry(frame: Message, sender: str, text: str) -> MessageEntry:
    """The entry that `frame` makes, but with this text."""
    return MessageEntry(  # by place: the hub's hot path
        frame.id,
        sender,
        frame.to,
        text,
        frame.ref,
        "",
        0,
        0,
        frame.thread,
        frame.mentions,
        frame.expires_s,
    )


def _message(frame: Message, sender: str) -> Entry:
    return message_entry(frame, sender, frame.text)


def _payment(frame: Payment, sender: str) -> Entry:
    return PaymentEntry(
        id=frame.id,
        from_=sender,
        to=frame.to,
        amount=frame.amount,
        currency=frame.currency,
        text=frame.text,
        room=frame.room,
        state="settled",
    )


def _deposit(frame: Deposit, sender: str) -> Entry:
    return DepositEntry(
        id=frame.id,
        from_=sender,
        to=frame.to,
        amount=frame.amount,
        currency=frame.currency,
        text=frame.text,
        state="settled",
    )


def _plain(frame: str) -> Callable[[Any, str], Entry]:
    """What makes an entry that has the fields of its frame, as far as it has such fields."""
    make = getattr(frames, f"{frame}Entry")
    names = set(getattr(frames, frame).__struct_fields__) & set(make.__struct_fields__)

    def entry(sent: ClientFrame, sender: str) -> Entry:
        fields = {name: getattr(sent, name) for name in names}
        return cast(Entry, make(**fields, from_=sender))

    return entry


_PLAIN = (
    *("Read", "Delivered", "Edit", "Delete", "React", "Pin", "Create", "Join", "Leave", "Invite"),
    *("Kick", "Ban", "Mute", "Role", "Topic", "Profile", "Arrange", "Accept", "Decline", "Block"),
    *("Unblock", "Revoke"),
)
_ENTRY: dict[type[ClientFrame], Callable[[Any, str], Entry]] = {
    Message: _message,
    Payment: _payment,
    Deposit: _deposit,
    **{getattr(frames, frame): _plain(frame) for frame in _PLAIN},
}


def entry_of(frame: ClientFrame, sender: str) -> Entry:
    """The entry that `frame` of `sender` makes; it has no place yet."""
    return _ENTRY[type(frame)](frame, sender)


def split(body: bytes) -> tuple[bytes, bytes]:
    """The public part of a body, and its sealed words; none, if they are not sealed."""
    if body[:1] != b"\xc1":
        return body, b""
    end = _PUBLIC + int.from_bytes(body[1:_PUBLIC])
    return body[_PUBLIC:end], body[end:]


def join(public: bytes, words: bytes) -> bytes:
    """The body of an entry with this public part, whose sealed words are these."""
    return b"%c%b%b%b" % (SEALED, len(public).to_bytes(2), public, words)


def restated(body: bytes, entry: Entry) -> bytes:
    """`body` with another public part, that of `entry`; the words stay as they are sealed."""
    words = split(body)[1]
    if not words:
        return encode_entry(entry)
    return join(encode_entry(msgspec.structs.replace(entry, **WORDS[type(entry)])), words)


def posted(body: bytes, entry: Entry) -> bytes:
    """The content as it was posted: a payment that left its partition, or waits, says so there, but
    is the same content. `entry`: what `body` says."""
    if not isinstance(entry, PaymentEntry) or entry.state == "settled":
        return body
    settled = msgspec.structs.replace(entry, state="settled", box="", seq=0, at=0)
    return restated(body, settled)


def decode_entry(body: bytes) -> Entry:
    """The public part of a leg's entry, which has neither time nor place yet.

    Raises:
        ValueError: if it is damaged.
    """
    try:
        return cast(Entry, _decode(split(body)[0]))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"the entry of a leg is damaged: {error}") from None


def read_entry(stored: bytes, box: str, seq: int) -> Entry:
    """The public part of the stored entry at `seq` of `box`.

    Raises:
        ValueError: if it is not an entry; it was damaged or written by something else.
    """
    try:
        entry = _decode(split(stored[TIME_DIGITS:])[0])
        at = int(stored[:TIME_DIGITS])
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"entry {seq} of {box} is damaged: {error}") from None
    return cast(Entry, msgspec.structs.replace(entry, box=box, seq=seq, at=at))


def differing_field(frame: ClientFrame, stored: bytes) -> str:
    """The first field in which `frame` differs from the entry stored under the same id; `content`,
    if it is none of the entry."""
    public, words = split(stored[TIME_DIGITS:])
    original = _decode(public)
    name = type(frame).__struct_config__.tag
    if type(original).__struct_config__.tag != name:
        return "type"
    if isinstance(frame, Forward):  # its entry holds what it copied, not where from
        return "content" if frame.to == getattr(original, "to", "") else "to"
    sealed = WORDS[type(original)] if words else ()
    for field in frame.__struct_fields__:
        if field not in sealed and getattr(frame, field) != getattr(original, field, UNSET):
            return field
    return "text" if "text" in sealed else "content"


def read_call(box: bytes, first: int, last: int, most_bytes: int) -> tuple[bytes | str | int, ...]:
    """The command that reads entries of the list `box`: see ``lua/contract.lua``, teller_read."""
    return ("FCALL_RO", "teller_read", 1, box, first, last, most_bytes)


def read_entries(reply: list[Any], box: str) -> tuple[int, list[Entry]]:
    """Length of `box`, and the public parts of the entries that `read_call` brought.

    Raises:
        ValueError: if one is damaged.
    """
    length, last, stored = reply
    first = last - len(stored) + 1
    return length, [read_entry(body, box, first + place) for place, body in enumerate(stored)]
