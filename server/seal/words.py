"""Entries and small texts with their words sealed, or open; `seals` has the keys."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any, Literal, cast

import msgspec
from msgspec import UNSET
from msgspec.structs import force_setattr, replace

from protocol.frames import DepositEntry, Entry, ForwardEntry, PaymentEntry, ProfileEntry

from ..ledger.entries import WORDS, encode_entry, join, posted, split
from .seal import Destroyed, Seal

_MARK = "\x01"
"""Begins what `hide` makes."""


def author(entry: Any) -> str:
    """Whose words these are: forwarded ones are still those of who wrote them."""
    words = entry.ref if isinstance(entry, ForwardEntry) else entry
    return cast(str, words.from_)


def sealed_body(seal: Seal, entry: Any) -> bytes:
    """The stored form of an entry of a kind that can have words, if it has some.

    Raises:
        Destroyed: there is no key.
    """
    if not isinstance(entry, ProfileEntry):
        text = entry.text
        if text is UNSET:
            return encode_entry(entry)
        force_setattr(entry, "text", "")
        return seal.body(entry, text)[0]
    fields = ((name, getattr(entry, name)) for name in WORDS[ProfileEntry])
    words = {name: text for name, text in fields if text is not UNSET}
    if not words:
        return encode_entry(entry)
    public = encode_entry(replace(entry, name=UNSET, about=UNSET))
    return join(public, seal.hide(msgspec.json.encode(words).decode(), public))


def hide(seal: Seal, field: str, text: str) -> str:
    """`text`, which somebody says of themselves in `field`, as it is stored; see `Seals.reveal`.

    Raises:
        Destroyed: there is no key.
    """
    return _MARK + b64encode(seal.hide(text, encode_entry(field))).decode()


def with_words(seal: Seal, entry: Any, body: bytes) -> Entry:
    """The entry of `body` with its words opened.

    Raises:
        Destroyed: there is no key.
        ValueError: they were damaged, or sealed with another key.
    """
    public, words = split(posted(body, entry))
    shown = seal.show(words, public)
    fields = msgspec.json.decode(shown) if isinstance(entry, ProfileEntry) else {"text": shown}
    return cast(Entry, replace(entry, **fields))


def without_words(entry: Any, why: Literal["erased", "locked"]) -> Entry:
    """The entry as it is told where its words cannot be opened."""
    if isinstance(entry, DepositEntry):
        return replace(entry, text=UNSET)
    if isinstance(entry, PaymentEntry):
        return replace(entry, text=UNSET, gone=why)
    return cast(Entry, replace(entry, gone=why) if hasattr(entry, "gone") else entry)


def show(stored: str, field: str, seal: Seal | None) -> str:
    """The opposite of `hide`; empty without the key. What was never hidden stays as it is."""
    if not stored.startswith(_MARK):
        return stored
    try:
        return "" if seal is None else seal.show(b64decode(stored[1:]), encode_entry(field))
    except (Destroyed, ValueError):
        return ""
