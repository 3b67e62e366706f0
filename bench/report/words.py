"""Figures in words, the same on the terminal and on the page."""

from __future__ import annotations

from .aims import Aim
from .rows import RATIO, Row

KEEPS = {
    "none": "not stored",
    "memory": "in memory",
    "async": "synced later",
    "everysec": "each second",
    "disk": "on disk",
}
"""What each durability means, in two words."""


def number(value: float, unit: str = "") -> str:
    """Three significant digits, for a ratio two; whole numbers above a thousand."""
    if abs(value) >= 1_000:
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    if unit == "×":
        return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"
    return f"{value:.3g}"


def extent(row: Row) -> str:
    """The interval of a row, or nothing."""
    if row.low is None or row.high is None:
        return ""
    return f"{number(row.low, row.unit)}–{number(row.high, row.unit)}"


def figure(name: str) -> str:
    """A ratio that stands in the other system's column, as one says it."""
    return f"{name.removesuffix(RATIO)}, Teller ÷ it" if name.endswith(RATIO) else name


def keeps(durability: str) -> str:
    """What a durability means; its own name where it is a new one."""
    return KEEPS.get(durability, durability)


def unit(name: str) -> str:
    """A unit behind its number, with a thin space; ratios carry none."""
    return f"\u2009{name}" if name and name != "×" else ""


def bound(aim: Aim) -> str:
    """An aim's bound, with its direction."""
    return f"{'≤' if aim.at_least is None else '≥'}\u00a0{number(aim.bound)}"
