"""Plots without a library: bars in HTML, lines in inline SVG. Colours come from the style sheet,
so that they follow the reader's light or dark scheme; texts stay texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from xml.etree.ElementTree import Element

from . import words
from .markup import tag

WIDTH, HEIGHT = 326, 232
"""In CSS pixels on a phone of 360, so that its texts keep their size there."""
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 10, 30
TICKS_MAX = 8
EXTENT_MIN = 0.6
"""Powers of ten: a small change shall not look like a great one."""


@dataclass(frozen=True)
class Bar:
    """One bar: what it is called, its colour, its parts from the left, and these in words."""

    name: str
    note: str
    colour: str
    parts: Sequence[float]
    text: str
    ratio: str = ""
    """Teller divided by it."""


@dataclass(frozen=True)
class Series:
    """One line of a plot; `points` are pairs of x, from 0 to 1, and y above 0."""

    name: str
    colour: str
    points: Sequence[tuple[float, float]]


def bars(title: str, rows: Sequence[Bar]) -> Element:
    """Horizontal bars from zero; further parts of a bar are paler."""
    compared = any(row.ratio for row in rows)
    most = max(sum(row.parts) for row in rows) or 1.0
    listed = [
        tag(
            "li",
            tag("span", row.name, " ", tag("small", row.note), class_="name"),
            tag("span", row.text, class_="value"),
            tag("small", row.ratio, class_="ratio") if compared else None,
            tag("span", *(_part(part / most) for part in row.parts), class_=f"track {row.colour}"),
        )
        for row in rows
    ]
    other = tag("small", "Teller ÷ it") if compared else None
    kind = "bars compared" if compared else "bars"
    return tag("figure", tag("figcaption", title, other), tag("ul", *listed, class_=kind))


def lines(title: str, ticks: Sequence[tuple[float, str]], series: Sequence[Series]) -> Element:
    """Lines over a logarithmic axis of milliseconds, with a legend."""
    values = [y for one in series for _, y in one.points]
    low, high = _extent(min(values), max(values))

    def at(x: float, y: float) -> tuple[float, float]:
        up = (log10(y) - low) / (high - low)
        across = LEFT + 8 + x * (WIDTH - LEFT - RIGHT - 16)
        return round(across, 1), round(HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM), 1)

    drawn = [_level(at(0, y)[1], y) for y in _levels(low, high)]
    drawn += [tag("text", name, x=at(x, 1)[0], y=HEIGHT - 8, class_="x") for x, name in ticks]
    for one in reversed(series):  # the first lies on top
        places = [at(x, y) for x, y in one.points]
        path = " ".join(f"{x},{y}" for x, y in places)
        dots = [
            tag("circle", tag("title", f"{one.name}: {words.number(y)} ms"), cx=cx, cy=cy, r=3)
            for (cx, cy), (_, y) in zip(places, one.points, strict=True)
        ]
        drawn.append(tag("g", tag("polyline", points=path), *dots, class_=one.colour))
    legend = [tag("li", tag("i", class_=one.colour), one.name) for one in series]
    box = f"0 0 {WIDTH} {HEIGHT}"
    return tag(
        "figure",
        tag("figcaption", title),
        tag("svg", *drawn, viewBox=box, role="img", aria_label=title),
        tag("ul", *legend, class_="legend"),
    )


def gauge(score: float, ends: tuple[float, float] | None) -> Element:
    """Where a value stands beside its bound, which is the middle; right of it is good.

    `score` and the `ends` of its interval are multiples of the bound: 2 is twice as good.
    """
    first, last = (_place(end) for end in sorted(ends)) if ends else (0.0, 0.0)
    span = tag("i", class_="range", style=f"left:{first:.1f}%;width:{last - first:.1f}%")
    dot = tag("i", class_="dot", style=f"left:{_place(score):.1f}%")
    return tag("span", tag("i", class_="bound"), span if ends else None, dot, class_="gauge")


def _part(share: float) -> Element:
    return tag("i", style=f"width:{100 * share:.2f}%")


def _place(score: float) -> float:
    """Per cent from the left: a quarter of the width for each doubling."""
    return min(98.0, max(2.0, 50 + 25 * log10(max(score, 1e-9)) / log10(2)))


def _extent(least: float, most: float) -> tuple[float, float]:
    """The ends of the axis, as exponents: some air, and never less than `EXTENT_MIN`."""
    low, high = log10(least * 0.8), log10(most * 1.25)
    more = max(0.0, EXTENT_MIN - (high - low)) / 2
    return low - more, high + more


def _levels(low: float, high: float) -> list[float]:
    """Round numbers between two exponents, as many as can be read."""
    decades = range(floor(low), ceil(high) + 1)
    for steps in ((1, 1.5, 2, 3, 4, 5, 7), (1, 2, 5), (1,)):
        values = [step * 10.0**power for power in decades for step in steps]
        kept = [value for value in values if low <= log10(value) <= high]
        if len(kept) <= TICKS_MAX:
            break
    return kept


def _level(y: float, value: float) -> Element:
    rule = tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y)
    return tag("g", rule, tag("text", words.number(value), x=LEFT - 6, y=y + 5), class_="level")
