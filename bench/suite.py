"""A run of the suite: its scenarios one after another, and everything that they found."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict

from . import procfs
from .errors import BenchError
from .limits import LIMITS
from .log import Log, Voice
from .options import Load, Sizes
from .outcome import Outcome
from .report import Results, describe
from .scenarios import Scenario
from .stage import Stage
from .systems import TELLER
from .wanted import Wanted, chosen_peers, chosen_scenarios


def prepared(wanted: Wanted, voice: Voice) -> tuple[Results, list[str]]:
    """Make everything ready and run it: the results, and the scenarios that could not be run.

    Raises:
        BenchError: if what was asked for makes no sense.
    """
    sizes = wanted.load.sizes(wanted.preset)
    scenarios = chosen_scenarios(wanted.scenarios, sizes, ours=wanted.load.url is None)
    log = Log(voice)
    peers = chosen_peers(wanted.peer_names, log)
    stage = Stage(wanted.load, sizes, log, peers, everywhere=wanted.peers is not None)
    voice.expect(sum(one.steps(stage) for one in scenarios))
    return run(scenarios, stage, log), log.failed


def run(scenarios: Sequence[Scenario], stage: Stage, log: Log) -> Results:
    """Run them all. Where one cannot be run, or the run is broken off, what the others found
    stands, and the results say so."""
    taken, ticks = procfs.stolen()
    found, broken_off = Outcome(), False
    with _interruptible(log):
        try:
            for scenario in scenarios:
                if not log.stopping:
                    found += _outcome(scenario, stage, log)
        except (KeyboardInterrupt, SystemExit):
            broken_off = True
    taken_after, ticks_after = procfs.stolen()
    return Results(
        machine=describe((taken_after - taken) / max(1, ticks_after - ticks)),
        options=_options(stage.load, stage.sizes),
        rows=found.rows,
        skipped=log.skipped,
        void=log.voids,
        remarks=log.remarks,
        held=found.held,
        partial=broken_off or log.stopping,
        systems={TELLER: "a hub with its embedded store: an ack means stored as the row says"}
        | LIMITS
        | {peer.name: peer.title for peer in stage.peers},
        scenarios={one.name: one.help for one in scenarios},
    )


def _outcome(scenario: Scenario, stage: Stage, log: Log) -> Outcome:
    try:
        outcome = scenario.run(stage)
    except (BenchError, OSError) as error:
        log.skip(scenario.name, str(error))
        log.failed.append(scenario.name)
        return Outcome(held=False)
    if not outcome.held:
        log.say(f"{scenario.name}: THE GATE FAILED")
    return outcome


@contextmanager
def _interruptible(log: Log) -> Iterator[None]:
    """The first Ctrl-C lets the round end, the second one ends it; SIGTERM and SIGHUP do so at
    once. In each case the systems are stopped in order."""

    def interrupt(_number: int, _frame: object) -> None:
        if log.stopping:
            raise KeyboardInterrupt
        log.stopping = True
        log.say("stopping after this round; Ctrl-C again stops it now")

    def end(number: int, _frame: object) -> None:
        log.stopping = True
        raise SystemExit(128 + number)

    handlers = {signal.SIGINT: interrupt, signal.SIGTERM: end, signal.SIGHUP: end}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _options(load: Load, sizes: Sizes) -> dict[str, object]:
    """What was asked for, in a form that JSON knows; no paths."""
    asked = {name: value for name, value in asdict(load).items() if value is not None}
    asked.pop("data", None)
    big = {n: sorted(v) if isinstance(v, frozenset) else v for n, v in asdict(sizes).items()}
    return {**big, **asked}
