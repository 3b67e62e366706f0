"""Balances with versions: an older answer never overwrites a newer one."""

from __future__ import annotations

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

    def lines(self) -> list[str]:
        """Each balance as people write it, such as `95.00 USD` or `95.00 USD (5.00 held)`."""
        return [self._line(currency) for currency in self._holdings]

    def _line(self, currency: str) -> str:
        available, held, _ = self._holdings[currency]
        text = show(available, currency)
        return f"{text} ({show(held, currency)} held)" if held else text


def show(amount: int, currency: str) -> str:
    """Money as people write it; of a currency that we do not know, the minor units."""
    try:
        return money.format_money(amount, currency)
    except money.MoneyError:
        return f"{amount} minor units of {currency!r}"
