"""Numbers as people read them."""

from __future__ import annotations

STEPS = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def many(value: float) -> str:
    """A count with a prefix: 1 M, 8 G, 2.5 k."""
    return _scaled(value, "")


def octets(value: float) -> str:
    """Bytes, in powers of 1,000."""
    return _scaled(value, "B")


def bits(octets_a_second: float) -> str:
    """Bytes a second, as bits."""
    return _scaled(8 * octets_a_second, "bit/s")


def count(value: float) -> str:
    """Three digits, or all of a larger number."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def percent(value: float) -> str:
    """A share."""
    return f"{value:.0%}"


def dollars(value: float) -> str:
    """An amount, with as many decimals as tell something."""
    if value >= 100:
        return f"${value:,.0f}"
    for least, digits in ((0.1, 2), (0.001, 4)):
        if value >= least:
            return f"${value:.{digits}f}"
    return f"${value:.6f}" if value else "$0"


def _scaled(value: float, unit: str) -> str:
    for step, prefix in STEPS:
        if value >= step:
            return f"{_rounded(value / step)} {prefix}{unit}"
    return f"{_rounded(value)} {unit}".strip()


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
