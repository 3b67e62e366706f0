"""Corrections: what the mending of a lane writes into the journal of a system account."""

from __future__ import annotations

from msgspec import UNSET, UnsetType, field

from protocol.frames import Entry


class CorrectionEntry(Entry, frozen=True, tag="correction"):
    """One end of a lane has lost what the other one knows. No client ever gets this entry.

    In the box of `$losses`: the payment `id` of `from` stands in the box `to`, and its debit is
    lost; `$losses` owes it. In that of `$suspense`: the payment was debited and settled, and what
    stood in the box `to` is lost; `$suspense` has it. Without an `amount` only the entry is lost,
    such as that of a room where the payment was shown. An `id` that is empty: money, or words, of
    which nobody can tell any more whose they were; `from` and `to` are then the system account.
    """

    id: str
    from_: str = field(name="from")
    to: str
    lane: str
    """Its two ends, such as ``0>1``."""
    amount: int | UnsetType = UNSET
    """Minor units."""
    currency: str | UnsetType = UNSET
    box: str = ""
    seq: int = 0
    at: int = 0

    @property
    def money(self) -> tuple[int, str] | None:
        """Amount and currency, if any."""
        if self.amount is UNSET or self.currency is UNSET:
            return None
        return self.amount, self.currency
