"""What is known about a payment before anybody is asked. Pure."""

from __future__ import annotations

from .commands import CommandError
from .events import Frame
from .wallet import show_grouped


def check(payment: Frame, me: str, available: int | None) -> None:
    """Refuse what the hub would surely refuse.

    Args:
        payment: The frame.
        me: Our own name.
        available: What we have of its currency, in minor units; `None` if that is not known.

    Raises:
        CommandError: with a sentence for people.
    """
    amount, currency = payment["amount"], payment["currency"]
    if payment["to"] == me:
        raise CommandError("that is you; nobody pays themselves")
    if available is not None and amount > available:
        wanted, have = show_grouped(amount, currency), show_grouped(available, currency)
        raise CommandError(f"{wanted} is more than you have: {have}")
