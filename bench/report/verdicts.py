"""The sections of the page that judge: the aims, and what changed since an older run."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from . import words
from .aims import State, Verdict, summary
from .compare import Change
from .markup import tag
from .plots import gauge

CLASSES = {State.REACHED: "reached", State.SHORT: "short", State.UNKNOWN: "unknown"}


def aims_section(verdicts: list[Verdict]) -> Element:
    """All aims; those that fall short come first, what was not measured is folded away."""
    by_state = {state: [one for one in verdicts if one.state is state] for state in State}
    listed = by_state[State.SHORT] + by_state[State.REACHED]
    unknown = by_state[State.UNKNOWN]
    folded = tag("summary", f"Not measured: {len(unknown)}")
    return tag(
        "section",
        tag("h2", "Aims"),
        tag("p", f"{summary(verdicts)}. The stroke is the aim; further right is better, and each"
            " quarter of the line is a factor of two. The median decides; the pale bar is its"
            " 95 % interval."),
        tag("ul", *map(_aim, listed), class_="aims") if listed else None,
        tag("details", folded, tag("ul", *map(_aim, unknown), class_="aims")) if unknown else None,
        id="aims",
    )  # fmt: skip


def _aim(verdict: Verdict) -> Element:
    aim, row = verdict.aim, verdict.row
    told = f"{aim.scenario}: {aim.figure}, aim {words.bound(aim)}"
    reached = verdict.told.lower()
    if row:
        between = words.extent(row)
        reached += f": {words.number(row.value, row.unit)}" + (f" ({between})" if between else "")
    return tag(
        "li",
        tag("span", reached, class_="state"),
        tag("span", aim.why),
        tag("small", told),
        _gauge(verdict) if row and row.value > 0 else None,
        class_=CLASSES[verdict.state],
    )


def _gauge(verdict: Verdict) -> Element:
    aim, row = verdict.aim, verdict.row
    assert row is not None

    def score(value: float) -> float:
        return aim.bound / max(value, 1e-9) if aim.at_least is None else value / aim.bound

    known = row.low is not None and row.high is not None
    ends = (score(row.low or 0.0), score(row.high or 0.0)) if known else None
    return gauge(score(row.value), ends)


def changes_section(changes: list[Change]) -> Element:
    """What moved further than the noise; the rest is counted."""
    beyond = [change for change in changes if change.beyond_noise]
    unsure = [change for change in changes if change.beyond_noise is None]
    still = len(changes) - len(beyond) - len(unsure)
    told = f"{len(beyond)} figures moved further than the noise, {still} did not;"
    return tag(
        "section",
        tag("h2", "Since the older run"),
        tag("p", f"{told} of {len(unsure)} there is no interval."),
        _table(beyond) if beyond else None,
        tag("details", tag("summary", "Figures without an interval"), _table(unsure))
        if unsure
        else None,
        id="changes",
    )


def _table(changes: list[Change]) -> Element:
    return tag("table", tag("tbody", *map(_change, changes)))


def _change(change: Change) -> Element:
    old, new = change.old, change.new
    values = " → ".join(words.number(row.value, row.unit) for row in (old, new))
    ratio = f"× {words.number(change.ratio, '×')}"
    judged = change.verdict if change.beyond_noise else ""
    return tag(
        "tr",
        tag("th", f"{new.scenario}, {new.system}: {new.figure}", scope="row"),
        tag("td", values + words.unit(new.unit)),
        tag("td", f"{ratio} {judged}", class_=judged or "soft"),
    )
