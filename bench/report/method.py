"""The section of the page that says how it was measured, with what, and on what."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from . import words
from .markup import tag
from .results import Results

METHOD = (
    "Each contender plays rounds, in a new random order every time. A figure is the median of its"
    " rounds; a ratio is taken round by round, and its interval holds 95 % of the medians of"
    " rounds drawn again at random (bootstrap).",
    "A round in open loop in which the generator was too busy or late is void and is played again,"
    " and so is one in which the machine's other tenants took too much time.",
    "In a closed loop each sender keeps a number of operations in flight: that finds the highest"
    " throughput, and its latencies only say how long the queue was. In an open loop operations"
    " are sent at their time, whatever happens, and latency counts from that intended time.",
    "CPU is what the operating system accounts to the processes. Ratios of server CPU leave"
    " Teller's store out; those of system CPU include it. Every round ends with a gate:"
    " each message arrived once, in order, at everyone; no money was made or lost.",
)
TOGETHER = (
    "The system under test has one core: for Teller that is all hubs and their store together. The"
    " load generator has the other."
)
APART = (
    "The hub, or the peer's server, has one core. Teller's store shares the other with the load"
    " generator."
)


def method(results: Results) -> Element:
    """Method, systems, options, what is missing, and the machine."""
    return tag(
        "section",
        tag("h2", "How it was measured"),
        *(tag("p", paragraph) for paragraph in METHOD),
        tag("p", APART if results.options.get("apart") else TOGETHER),
        tag("h3", "Systems, and what their acknowledgement means"),
        _pairs(_systems(results)),
        tag("h3", "Options"),
        _pairs(results.options),
        *_absent(results),
        tag("h3", "Machine"),
        _pairs(results.machine),
        id="method",
    )


def _systems(results: Results) -> dict[str, str]:
    keeps: dict[str, str] = {}
    for row in results.rows:
        keeps.setdefault(row.system, words.keeps(row.durability))
    told = results.systems
    return {
        name: f"{told[name]} ({kept})" if name in told else kept for name, kept in keeps.items()
    }


def _absent(results: Results) -> list[Element]:
    """What was skipped, which rounds do not count, and what else must be known."""
    parts = []
    if results.skipped:
        parts += [tag("h3", "Skipped"), _pairs(results.skipped)]
    for title, said in (("Void rounds", results.void), ("Remarks", results.remarks)):
        if said:
            parts += [tag("h3", title), tag("ul", *(tag("li", one) for one in said))]
    return parts


def _pairs(named: Mapping[str, object]) -> Element:
    return tag("dl", *(tag(name, text) for pair in named.items() for name, text in _pair(*pair)))


def _pair(name: str, value: object) -> tuple[tuple[str, str], tuple[str, str]]:
    told = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return ("dt", name.replace("_", " ")), ("dd", told or "none")
