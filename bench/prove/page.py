"""The timeline as one page that needs nothing else: throughput, latency, and faults as bands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from ..report.html import STYLE
from ..report.markup import document, tag
from .plan import KINDS, STORE
from .verdict import PROMISES, Verdict

WIDTH, HEIGHT = 326, 150
"""In CSS pixels on a phone of 360, so that its texts keep their size there."""
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 8, 24
BANDS = """
.band { opacity: .18; }
.band.c1 { fill: var(--c1); } .band.c2 { fill: var(--c2); }
.charts svg { max-width: none; }
.broken { border-left: 3px solid var(--bad); padding-left: .75rem; }
.broken li { margin: .25rem 0; font-size: 14px; }
"""
TICKS = 4
POINTS_MAX = 400
"""Of one line; a run of an hour is thinned out to these."""


def write_page(verdict: Verdict, path: Path) -> None:
    """Write the page.

    Raises:
        OSError: if the file cannot be written.
    """
    path.write_text(page(verdict), encoding="utf-8")


def page(verdict: Verdict) -> str:
    """The page as text."""
    style = STYLE.read_text(encoding="utf-8") + BANDS
    body = [_head(verdict), *_broken(verdict), _pictures(verdict), _counts(verdict), _list(verdict)]
    return document("Teller proved", style, *body)


def _head(verdict: Verdict) -> Element:
    wanted = verdict.wanted
    told = f"{wanted.clients} people, {wanted.hubs} hubs, {wanted.primaries} primaries, "
    told += f"class {wanted.durability}, seed {wanted.seed}, {verdict.seconds:.0f} s"
    if wanted.plant:
        told += f", with the planted bug {wanted.plant}"
    said = "Every promise was kept." if verdict.held else "Promises were broken."
    tally = verdict.crowd.get("tally", {})
    tiles = [
        (f"{tally.get('acked', 0):,}", "frames acknowledged"),
        (f"{len(verdict.faults)}", "faults"),
        (f"{sum(verdict.counts.values())}", "findings"),
        (f"{verdict.crowd.get('payments', 0):,}", "payments"),
    ]
    return tag(
        "header",
        tag("h1", said),
        tag("p", told, class_="soft"),
        tag(
            "ul",
            *(tag("li", tag("b", value), tag("small", name)) for value, name in tiles),
            class_="tiles",
        ),
    )


def _broken(verdict: Verdict) -> Iterator[Element]:
    for kind, sentences in verdict.broken.items():
        yield tag(
            "section",
            tag("h2", f"Broken: {kind} ({verdict.counts[kind]})"),
            tag("p", PROMISES.get(kind, "")),
            tag("ul", *(tag("li", one) for one in sentences), class_="broken"),
        )


def _pictures(verdict: Verdict) -> Element:
    samples = verdict.timeline

    def of(name: str, part: str) -> Callable[[dict], float | None]:  # type: ignore[type-arg]
        return lambda sample: sample[name].get(part)

    drawn = [
        _plot(verdict, "Frames acknowledged per second", lambda sample: sample["acked"]),
        _plot(verdict, "Ack, ms: p99 of each second", of("latency", "p99")),
        _plot(verdict, "Live entry after its commit, ms: p99", of("delay", "p99")),
        _plot(verdict, "Devices online", lambda sample: sample["online"]),
    ]
    return tag("div", *(drawn if samples else []), class_="charts")


def _plot(
    verdict: Verdict,
    title: str,
    value: Callable[[dict], float | None],  # type: ignore[type-arg]
) -> Element:
    """A line over time, from zero, with the faults behind it."""
    end = max(verdict.seconds, 1.0)
    every = max(1, len(verdict.timeline) // POINTS_MAX)
    points = [(one["at"], value(one)) for one in verdict.timeline[::every]]
    most = max((y for _, y in points if y is not None), default=1.0) or 1.0

    def across(x: float) -> float:
        return round(LEFT + min(x, end) / end * (WIDTH - LEFT - RIGHT), 1)

    def up(y: float) -> float:
        return round(HEIGHT - BOTTOM - y / most * (HEIGHT - TOP - BOTTOM), 1)

    drawn = [
        tag(
            "rect",
            tag("title", f"{one.kind} {one.what}"),
            x=across(one.began),
            y=TOP,
            width=max(1.0, round(across(one.ended) - across(one.began), 1)),
            height=HEIGHT - TOP - BOTTOM,
            class_=f"band {_colour(one.kind)}",
        )
        for one in verdict.faults
    ]
    for level in (0.0, most / 2, most):
        rule = tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=up(level), y2=up(level))
        text = tag("text", f"{level:,.0f}", x=LEFT - 6, y=up(level) + 5)
        drawn.append(tag("g", rule, text, class_="level"))
    for n in range(TICKS + 1):
        x = n * end / TICKS
        drawn.append(tag("text", f"{x:.0f} s", x=across(x) - 6, y=HEIGHT - 6, class_="x"))
    path = " ".join(f"{across(x)},{up(y)}" for x, y in points if y is not None)
    drawn.append(tag("g", tag("polyline", points=path), class_="own"))
    box = f"0 0 {WIDTH} {HEIGHT}"
    picture = tag("svg", *drawn, viewBox=box, role="img", aria_label=title)
    return tag("figure", tag("figcaption", title), picture)


def _colour(kind: str) -> str:
    return "c1" if kind in STORE else "c2"


def _counts(verdict: Verdict) -> Element:
    rows = [tag("tr", tag("th", name), tag("td", value)) for name, value in verdict.rows()]
    return tag("section", tag("h2", "What was counted"), tag("table", tag("tbody", *rows)))


def _list(verdict: Verdict) -> Element:
    rows = []
    for one in verdict.faults:
        told = f"{KINDS.get(one.kind, '')} ({one.what})" if one.what else KINDS.get(one.kind, "")
        if one.trouble:
            told += f": {one.trouble}"
        span = f"{one.began:.1f} to {one.ended:.1f} s"
        rows.append(tag("li", tag("b", one.kind, class_=_colour(one.kind)), f" {span}: {told}"))
    legend = tag(
        "ul",
        tag("li", tag("i", class_="c1"), "the cluster"),
        tag("li", tag("i", class_="c2"), "hubs, clients, lines"),
        class_="legend",
    )
    return tag("section", tag("h2", "What was broken"), legend, tag("ul", *rows))
