"""Statuses that no check of the ledger's own answers: posts bring them along with a condition."""

from __future__ import annotations

from server.ledger.status import Status

ASKED = {
    Status.UNKNOWN_ENTRY,
    Status.FORBIDDEN,
    Status.BANNED,
    Status.NOT_INVITED,
    Status.TOO_SOON,
    Status.OWNER_STAYS,
    Status.MONEY_STAYS,
}
