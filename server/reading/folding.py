"""What a reader may still see of entries: deleted and disappeared words are never handed out.

Pure. The reader's side of it, which also folds edits and reactions, is `protocol.folding`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal, TypeAlias

from msgspec import UNSET
from msgspec.structs import replace

from protocol.frames import (
    DeleteEntry,
    EditEntry,
    Entry,
    ForwardEntry,
    MessageEntry,
    PaymentEntry,
    Ref,
)

Key: TypeAlias = tuple[str, str]
"""Who sent an entry, and its id."""
SUBJECTS = (MessageEntry, ForwardEntry, PaymentEntry)
"""Entries that others may speak of."""


def key_of(entry: MessageEntry | ForwardEntry | PaymentEntry | Ref) -> Key:
    """The key of an entry, or of what a ref names."""
    return entry.from_, entry.id


def subject_of(entry: Entry) -> Key | None:
    """The entry whose words stand in `entry`: itself, or what it edits; None if there are none."""
    if isinstance(entry, SUBJECTS):
        return key_of(entry)
    return key_of(entry.ref) if isinstance(entry, EditEntry) else None


def has_expired(entry: Entry, now: int) -> bool:
    """Whether the words of `entry` have disappeared at the time `now`, in ms."""
    if not isinstance(entry, MessageEntry) or entry.expires_s is UNSET:
        return False
    return entry.at + entry.expires_s * 1000 <= now


def blank(entry: Entry, gone: Literal["deleted", "expired"]) -> Entry:
    """`entry` without its words. All else stays: who, when, and what was paid."""
    text = UNSET if isinstance(entry, PaymentEntry) else ""
    return replace(entry, text=text, gone=gone)


def hide(entries: Iterable[Entry], deleted: Collection[Key], now: int) -> list[Entry]:
    """`entries` as they may be handed out at the time `now`, in ms."""
    shown = []
    for entry in entries:
        if deleted and subject_of(entry) in deleted:
            shown.append(blank(entry, "deleted"))
        else:
            shown.append(blank(entry, "expired") if has_expired(entry, now) else entry)
    return shown


def hide_within(entries: list[Entry], now: int) -> list[Entry]:
    """The same for entries up to the end of their boxes: what deletes one stands behind it. A
    deletion in a room is of entries there; one in a person's box may hide what stands in a room."""
    deleted: dict[str, set[Key]] = {}
    for entry in entries:
        if isinstance(entry, DeleteEntry):
            box = entry.box if entry.box[:1] == "#" else ""
            deleted.setdefault(box, set()).add(key_of(entry.ref))
    everywhere = deleted.get("", set())
    gone = {box: keys | everywhere for box, keys in deleted.items()}
    shown = [hide([one], gone.get(one.box, everywhere), now) for one in entries]  # type: ignore[attr-defined]
    return [one for some in shown for one in some]
