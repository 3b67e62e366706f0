"""Money: whole minor units and a currency. Never a float.

An amount is an `int` of minor units (cents for USD, yen for JPY). Text such as ``12.50 USD`` is
for people only; it is parsed and printed with integers.
"""

from __future__ import annotations

import re

from .currencies import EXPONENTS

AMOUNT_MAX = 2**53 - 1
"""The largest amount and the largest balance, in minor units: what a double holds exactly, so
that the store's Lua and a browser's JavaScript compute with the same numbers as Python."""

_AMOUNT = re.compile(r"(\d{1,30})(?:\.(\d{1,6}))?", re.ASCII)


class MoneyError(ValueError):
    """A text that is not an exact amount of a currency we know."""


def exponent(currency: str) -> int:
    """Digits after the decimal point of `currency` (2 for USD, 0 for JPY, 3 for KWD).

    Raises:
        MoneyError: if the currency is not known.
    """
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise MoneyError(f"{currency!r} is not a currency of ISO 4217") from None


def parse(text: str, currency: str) -> int:
    """Minor units of `text`, such as ``"12.50"``, in `currency`.

    Raises:
        MoneyError: on anything that is not exactly a positive amount: a sign, an exponent, a
            comma, more decimals than the currency has, zero, or more than `AMOUNT_MAX`.
    """
    digits = exponent(currency)
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise MoneyError(f"{text!r} is not an amount; write it like 12.50")
    whole, fraction = match[1], match[2] or ""
    if len(fraction) > digits:
        raise MoneyError(f"{currency} has {digits} decimals, {text!r} has {len(fraction)}")
    amount = int(whole + fraction.ljust(digits, "0"))
    if amount < 1:
        raise MoneyError("an amount is more than 0")
    if amount > AMOUNT_MAX:
        raise MoneyError(f"{text} {currency} is more than an account can hold")
    return amount


def parse_money(text: str) -> tuple[int, str]:
    """Minor units and currency of a text such as ``"25.00 USD"``.

    Raises:
        MoneyError: as `parse`, and if there are not exactly two words.
    """
    words = text.split()
    if len(words) != 2 or not words[1].isascii():
        raise MoneyError(f"{text!r} is not an amount and a currency; write it like 25.00 USD")
    currency = words[1].upper()
    return parse(words[0], currency), currency


def format_amount(amount: int, currency: str) -> str:
    """`amount` minor units as people write it: ``1234`` of USD is ``"12.34"``.

    Raises:
        MoneyError: if the currency is not known.
    """
    digits = exponent(currency)
    sign, amount = ("-", -amount) if amount < 0 else ("", amount)
    if digits == 0:
        return f"{sign}{amount}"
    whole, fraction = divmod(amount, 10**digits)
    return f"{sign}{whole}.{fraction:0{digits}d}"


def format_money(amount: int, currency: str) -> str:
    """Amount and currency in one text: ``"12.34 USD"``."""
    return f"{format_amount(amount, currency)} {currency}"
