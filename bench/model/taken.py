"""Costs out of the rows of a run: what `teller bench run` measured anyway."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bench.errors import BenchError
from bench.report import Results, Row
from bench.systems import TELLER

from .costs import Costs


def value(rows: Iterable[Row], scenario: str, figure: str) -> float | None:
    """Teller's `figure` in `scenario`, or in the largest of `scenario 100`, `scenario 1000` …"""
    known = {
        row.scenario: row.value
        for row in rows
        if row.system == TELLER and row.figure == figure and _is(row.scenario, scenario)
    }
    return known[max(known, key=_size)] if known else None


def needed(rows: Iterable[Row], scenario: str, figure: str) -> float:
    """The same.

    Raises:
        BenchError: if it was not measured.
    """
    found = value(rows, scenario, figure)
    if found is None:
        raise BenchError(f"{scenario} gave no {figure!r}")
    return found


def taken(costs: Costs, results: Results) -> Costs:
    """The costs with what a run measured in their place: the hub's part of messages and payments at
    half load, copies, log-ins and idle connections, as far as they are in it.

    Raises:
        BenchError: if the run's gate failed, so that nothing of it counts.
    """
    if not results.held:
        raise BenchError("the gate of that run failed: nothing in it counts")
    rows, day = results.rows, f"results.json of {results.machine.get('date', 'no date')}"
    memory, hub = costs.memory, "server CPU per op"
    for name, field in (("server", "hub_connection"), ("kernel", "kernel_connection")):
        if kilobytes := value(rows, "idle", f"{name} memory per connection"):
            memory = replace(memory, **{field: 1024 * kilobytes})
    idle = value(rows, "idle", "server CPU per 10,000 connections")
    found = replace(
        costs,
        hub_message=value(rows, "dm at half", hub) or costs.hub_message,
        hub_payment=value(rows, "pay uniform at half", hub) or costs.hub_payment,
        memory=memory,
        copy=value(rows, "room", "server CPU per copy") or costs.copy,
        connect=value(rows, "connect", "server CPU per connect") or costs.connect,
        idle=idle / 100 / 10_000 if idle is not None else costs.idle,
    )
    return replace(found, sources={**costs.sources, **_sources(costs, found, day)})


def _sources(old: Costs, new: Costs, words: str) -> dict[str, str]:
    names = ("hub_message", "hub_payment", "memory", "copy", "connect", "idle")
    return {name: words for name in names if getattr(old, name) != getattr(new, name)}


def _is(name: str, scenario: str) -> bool:
    first, _, size = name.rpartition(" ")
    return name == scenario or (first == scenario and size.isdecimal())


def _size(name: str) -> int:
    last = name.rpartition(" ")[2]
    return int(last) if last.isdecimal() else 0
