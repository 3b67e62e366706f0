"""`world`: regions as far apart as they are; a cut between two of them; one of them lost."""

from __future__ import annotations

import time
from typing import Any

from .. import rounds
from ..errors import BenchError
from ..load.driver import Generator
from ..load.histogram import merge
from ..outcome import Outcome
from ..report import Row
from ..report.rows import RATIO
from ..stage import Stage
from ..turns import REPEATS_MAX
from ..world import faults
from ..world.clients import KINDS
from ..world.figures import PAYMENT_ACK, PERCENTILES, TWO_PHASE, Samples, percentile
from ..world.ops import Pair
from ..world.planet import planet
from ..world.stand import PEOPLE, World, strawman, world
from .base import Scenario

RATE = 10.0
"""Operations a second between each pair of regions: the question is how long, not how many."""
DRAIN_SECONDS = 15
PROBES = 50
CHECKS = 3
"""The cut, the loss, the audit of all regions."""
STRAWMAN_ROUNDS = 2
"""Its load, and its cut."""


def run(stage: Stage) -> Outcome:
    """Messages and payments between all pairs of regions, and within each: what they take beyond
    the distance. Then a cut, then the loss of a region: what waited, how long it took to drain,
    whether the money is all there. Beside it the same payments by two-phase commit."""
    sizes, watch = stage.sizes, stage.watch
    load, rate, outcome = stage.load, stage.load.rate or RATE, Outcome()
    with world(sizes.regions, load.durability, load.data, namespaces=load.namespaces) as stand:
        samples = Samples(stand.planet, load.durability)
        outcome += _fair(stage, stand, samples, rate)
        for fault in (faults.cut, faults.loss):
            if fault is faults.loss and load.durability == "memory":
                watch.say(
                    "world: what is only in memory is not there after a loss, so none is made"
                )
            elif not watch.stopping:
                outcome += fault(watch, stand, samples, sizes.cut, rate)
        if not watch.stopping:
            watch.advance("audit of all regions")
            outcome.held &= faults.audited(watch, stand.audit())
    if not watch.stopping:
        outcome += _strawman(stage, samples, rate)
    return outcome


def _fair(stage: Stage, stand: World, samples: Samples, rate: float) -> Outcome:
    """The windows in which nothing is broken."""
    outcome, before = Outcome(), stand.clients.call("balances")
    late: list[float] = []
    # Whoever speaks to somebody for the first time may wait for the directory.
    meeting = len(KINDS) * PEOPLE / rate
    _window(stage, stand, rate, max(stage.sizes.warm_up, meeting))
    for number in range(1, stage.sizes.rounds + 1):
        window = None if stage.watch.stopping else _sound(stage, stand, rate, number)
        if window is not None:
            outcome.held &= faults.told(stage.watch, window, f"in round {number}")
            samples.add(window)
            late.append(window["late"])
    outcome += faults.books(stage.watch, before, stand.clients.call("balances"), "in the end")
    outcome.rows = [*samples.rows(), *_probed(stand, samples)]
    if late:
        outcome.rows.append(samples.row("world", "generator line late p99", max(late)))
    else:
        stage.watch.say("world: no round counts")
    return outcome


def _sound(stage: Stage, stand: World, rate: float, number: int) -> dict[str, Any] | None:
    """A window in which the instrument was on time, or something was wrong; none if the instrument
    is late each time."""
    for _ in range(1 + REPEATS_MAX):
        stage.watch.advance("world")
        window = _window(stage, stand, rate, stage.sizes.seconds)
        lag = percentile(window["lag"], 99) / 1e6
        if max(lag, window["late"]) <= rounds.LAG_P99_MAX_MS or window["faults"]:
            return window
        words = f"generator lag p99 {lag:.1f} ms, line late p99 {window['late']:.1f} ms"
        stage.watch.void(f"round {number}, world: {words}")
    return None


def _window(stage: Stage, stand: World, rate: float, seconds: float) -> dict[str, Any]:
    """Load for so many seconds; `late` is by how many ms the line was late (p99)."""
    stand.line.call("figures")  # lateness counts from here
    stand.clients.call("begin", pairs=stand.pairs, rate=rate, seconds=seconds)
    window = stand.clients.call("finish", drain=DRAIN_SECONDS)
    late = merge([stand.line.call("figures")["late"]])
    window["late"] = late.get_value_at_percentile(99) / 1_000 if late.get_total_count() else 0.0
    return window


def _probed(stand: World, samples: Samples) -> list[Row]:
    """How exact the distance between the regions is, one way."""
    errors = stand.probe(PROBES)
    return [
        samples.row("world", f"generator line error p{p}", 500 * percentile(errors, p))
        for p in PERCENTILES
    ]


def _strawman(stage: Stage, ours: Samples, rate: float) -> Outcome:
    """The same payments by two-phase commit, between the first two regions and within each."""
    sizes, load = stage.sizes, stage.load
    names = sizes.regions[:2]
    pairs = [*((name, name) for name in names), *planet().pairs(names)]
    theirs = Samples(planet(), load.durability, TWO_PHASE)
    with strawman(names, load.durability, load.data) as (payers, line):
        before = payers.call("balances")
        _paid(payers, pairs, rate, sizes.warm_up)
        stage.watch.advance("world by two-phase commit")
        for _ in range(sizes.rounds):
            theirs.add(_paid(payers, pairs, rate, sizes.seconds))
        rows = theirs.rows() + _beside(ours, theirs)
        stage.watch.advance("world by two-phase commit, a cut")
        rows += _cut(payers, line, pairs, rate, sizes.cut, theirs)
        if payers.call("balances")["sum"] != before["sum"]:
            raise BenchError("two-phase commit made or lost money")
    return Outcome(rows)


def _paid(payers: Generator, pairs: list[Pair], rate: float, seconds: float) -> dict[str, Any]:
    """Payments for so many seconds, all of them done."""
    payers.call("begin", pairs=pairs, rate=rate, seconds=seconds)
    window = payers.call("finish", drain=DRAIN_SECONDS)
    if window["open"]:
        raise BenchError(f"two-phase commit did not end {window['open']} payments")
    return window


def _cut(
    payers: Generator,
    line: Generator,
    pairs: list[Pair],
    rate: float,
    seconds: float,
    samples: Samples,
) -> list[Row]:
    """What is without an answer, and locked, while the line between the two regions is cut."""
    payers.call("begin", pairs=pairs, rate=rate, seconds=faults.lead(seconds))
    time.sleep(faults.LEAD_SECONDS)
    line.call("cut", one=pairs[-1][0], other=pairs[-1][1], seconds=seconds)
    time.sleep(faults.READING_SHARE * seconds)
    standing = payers.call("standing")
    window = payers.call("finish", drain=faults.PATIENCE * seconds)
    told = (
        (faults.UNANSWERED, standing["unanswered"]),
        ("locked accounts at the end", standing["locked"]),
        ("payments refused, for an account was locked", window["aborted"]),
    )
    rows = [samples.row("world cut", figure, float(number), "") for figure, number in told]
    acks = [t for of in window["samples"].values() for t in of.get(PAYMENT_ACK, [])]
    return [*rows, samples.row("world cut", "payment ack p99", 1_000 * percentile(acks, 99))]


def _beside(ours: Samples, theirs: Samples) -> list[Row]:
    """Teller's figures divided by those of two-phase commit, where both have them."""
    other = {(row.scenario, row.figure): row.value for row in theirs.rows()}
    return [
        ours.row(row.scenario, f"{row.figure}{RATIO}{TWO_PHASE}", row.value / below, "×")
        for row in ours.rows()
        if row.figure in (f"{PAYMENT_ACK} p50", f"{PAYMENT_ACK} p99")
        and row.scenario != "world"
        and (below := other.get((row.scenario, row.figure)))
    ]


def steps(stage: Stage) -> int:
    """Rounds, checks, and the strawman."""
    return stage.sizes.rounds + CHECKS + STRAWMAN_ROUNDS


SCENARIO = Scenario(
    "world",
    "regions as far apart as they are: what is beyond the distance; a cut, a lost region",
    steps,
    run,
    needs_own_hub=True,
)
