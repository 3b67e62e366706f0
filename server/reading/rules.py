"""What may be done to an entry, by whom: the answer is a status, 0 where nothing is in the way.

Pure. Members' rights in a room are the ledger's; here is what depends on the entry itself. Of an
entry that is not known (see `subjects`) only what the frame itself says can be judged.
"""

from __future__ import annotations

from msgspec import UNSET

from protocol.frames import Delete, Edit, ForwardEntry, MessageEntry, PaymentEntry

from ..ledger.ids import MARK_MS
from ..ledger.status import Status
from .subjects import Subject

EDITS_MAX = 100
"""How often one message may be edited: readers fold all of it."""
_WORDS = (MessageEntry, ForwardEntry)


def edit(frame: Edit, subject: Subject, who: str, now: int) -> int:
    """Whether `who` may edit it at the time `now`: their own words, for seven days."""
    entry = subject.entry
    if frame.ref.from_ != who:
        return Status.FORBIDDEN
    if subject.money:
        return Status.MONEY_STAYS
    if subject.elsewhere:
        return 0
    if isinstance(entry, ForwardEntry):
        return Status.FORBIDDEN
    if not isinstance(entry, MessageEntry) or subject.deleted or entry.at + MARK_MS <= now:
        return Status.UNKNOWN_ENTRY
    disappears = entry.expires_s is not UNSET
    return Status.FORBIDDEN if disappears or subject.edits >= EDITS_MAX else 0


def delete(frame: Delete, subject: Subject, who: str) -> int:
    """Whether `who` may take it away: their own words, from themselves whatever is no money, and
    the note of their own payment. That of others in a room is a right, which the ledger asks."""
    own = frame.ref.from_ == who
    if not own and (frame.note or (frame.to[0] == "@" and not frame.only_me)):
        return Status.FORBIDDEN
    if subject.missing or subject.deleted or (frame.only_me and subject.hidden):
        return Status.UNKNOWN_ENTRY
    if subject.money and not frame.note:
        return Status.MONEY_STAYS
    if frame.note:
        return 0 if isinstance(subject.entry, PaymentEntry) else Status.UNKNOWN_ENTRY
    words = subject.entry is None or isinstance(subject.entry, _WORDS)
    return 0 if words else Status.UNKNOWN_ENTRY


def speak_of(subject: Subject) -> int:
    """Whether one may react to it, or pin it: to words and to money, as long as they are there."""
    there = subject.entry is None or isinstance(subject.entry, (*_WORDS, PaymentEntry))
    return 0 if there and not (subject.missing or subject.deleted) else Status.UNKNOWN_ENTRY
