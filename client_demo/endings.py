"""How something ended that went to another part of the world: in words. Pure."""

from __future__ import annotations

from protocol.errors import MESSAGES, Code

from .events import Frame
from .wallet import show_grouped

ENDINGS = frozenset({"settled", "returned"})
"""Entries that tell how an earlier one of ours ended, which they name by its id."""


def sentence(returned: Frame) -> str:
    """Why a `returned` entry came, and where its money is now."""
    why = f"not delivered to {returned['to']}: {reason(returned['reason'])}"
    if "amount" not in returned:
        return why
    amount = show_grouped(returned["amount"], returned["currency"])
    if returned.get("suspended"):
        return f"{why}; {amount} cannot come back, the operator keeps it for you"
    return f"{why}; {amount} is back"


def reason(code: str) -> str:
    """An error's code in words; one of a later hub as it is."""
    return MESSAGES[Code(code)] if code in set(Code) else code
