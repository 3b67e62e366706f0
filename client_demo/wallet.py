"""Balances with versions: an older answer never overwrites a newer one."""

from __future__ import annotations

import re
from collections.abc import Callable

from protocol import money

from .events import Frame


class Wallet:
    """What we have, per currency, in minor units."""

    def __init__(self) -> None:
        self._holdings: dict[str, tuple[int, int, int]] = {}

    def sheet(self, balances: Frame, version: int) -> None:
        """All balances, as of `version`."""
        for currency, holding in balances.items():
            self.one(currency, {**holding, "version": version})

    def one(self, currency: str, balance: Frame) -> None:
        """The balance of one currency, as of its `version`."""
        version = balance["version"]
        if version >= self._holdings.get(currency, (0, 0, -1))[2]:
            self._holdings[currency] = (balance["available"], balance["held"], version)

    @property
    def currency(self) -> str | None:
        """The first currency of the account; what `/pay` means if it names none."""
        return next(iter(self._holdings), None)

    def available(self, currency: str) -> int:
        """What is free to spend, in minor units."""
        return self._holdings.get(currency, (0, 0, 0))[0]

    def lines(self, show: Callable[[int, str], str]) -> list[str]:
        """Each balance as `show` writes it, such as `95.00 USD` or `95.00 USD (5.00 USD held)`."""
        return [
            show(available, currency) + (f" ({show(held, currency)} held)" if held else "")
            for currency, (available, held, _) in self._holdings.items()
        ]


def show(amount: int, currency: str) -> str:
    """Money as people write it; of a currency that we do not know, the minor units."""
    try:
        return money.format_money(amount, currency)
    except money.MoneyError:
        return f"{amount} minor units of {currency!r}"


def show_grouped(amount: int, currency: str) -> str:
    """Money as `show` has it, with its thousands parted, such as `1,234,567.00 USD`."""
    text = show(amount, currency)
    whole = re.match(r"-?\d+", text)
    assert whole is not None
    return f"{int(whole[0]):,}{text[whole.end() :]}"
