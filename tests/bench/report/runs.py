"""Runs to report on, small enough to see through."""

from __future__ import annotations

from typing import Any

from bench.report import Results, Row

PERCENTILES = {"p50": 1.0, "p90": 2.0, "p99": 4.0, "p99.9": 7.0, "max": 20.0}
KEPT = {"teller": "disk", "jetstream": "disk", "ejabberd": "memory"}


def a_row(scenario: str, system: str, figure: str, value: float, **other: Any) -> Row:
    """A row with an interval of 2 % to each side."""
    known = {"unit": "1/s", "durability": KEPT.get(system, "none"), "rounds": 5}
    ends = {"low": value * 0.98, "high": value * 1.02}
    return Row(scenario, system, figure, value, **{**known, **ends, **other})


def latencies(scenario: str, system: str, what: str = "ack", factor: float = 1.0) -> list[Row]:
    return [
        a_row(scenario, system, f"{what} {name}", value * factor, unit="ms")
        for name, value in PERCENTILES.items()
    ]


def of_system(scenario: str, system: str, rate: float, cpu: float) -> list[Row]:
    return [
        a_row(scenario, system, "operations", rate),
        a_row(scenario, system, "server CPU per op", cpu, unit="µs"),
        *latencies(scenario, system, factor=10_000 / rate),
    ]


def rows() -> list[Row]:
    """Direct messages beside two peers, a room, three payloads, and a curve of latency."""
    found = [
        *of_system("dm", "teller", 10_000, 24),
        *of_system("dm", "ws", 20_000, 16),
        *of_system("dm", "ejabberd", 2_000, 300),
        a_row("dm", "teller", "store CPU per op", 30, unit="µs"),
        a_row("dm", "teller", "operations ÷ ws", 0.5, unit="×"),
        a_row("dm", "teller", "operations ÷ ejabberd", 5, unit="×"),
        a_row("dm", "teller", "generator CPU", 60, unit="%"),
        a_row("room 100", "teller", "deliveries", 400_000),
        a_row("room 100", "teller", "server CPU per copy", 0.5, unit="µs"),
        a_row("room 100", "uws", "server CPU per copy", 0.6, unit="µs"),
        a_row("room 100", "teller", "server CPU per copy ÷ uws", 0.83, unit="×"),
    ]
    for size in (16, 256, 4_096):
        found += of_system(f"payload {size}", "teller", 10_000 / size, 20)
    found.append(a_row("capacity", "teller", "capacity", 9_000))
    for share in (10, 50, 90):
        found += latencies(f"capacity at {share} %", "teller", factor=share)
    return found


def a_run(**other: Any) -> Results:
    known: dict[str, Any] = {
        "machine": {"CPU": "a processor", "cores": 2, "date": "2026-01-01 00:00 UTC"},
        "options": {"rounds": 5, "rooms": (10, 100), "seconds": 3.0},
        "rows": rows(),
        "skipped": {"tigerbeetle": "nothing points to it"},
        "void": ["round 2, dm on ws: generator CPU 90%"],
        "remarks": ["dm on uws: the generator was the limit"],
        "systems": {"teller": "acknowledged when stored", "ws": "acknowledges <nothing> & goes on"},
        "scenarios": {"dm": "direct messages"},
    }
    return Results(**{**known, **other})
