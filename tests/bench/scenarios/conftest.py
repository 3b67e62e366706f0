"""Every scenario in miniature, against real hubs and their real stores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from bench.options import QUICK, Load
from bench.outcome import Outcome
from bench.peers import PEERS
from bench.report import Row
from bench.scenarios import SCENARIOS
from bench.stage import Stage
from tests.bench.contenders import Notes

TINY = replace(
    QUICK,
    rounds=1,
    seconds=0.8,  # a core may be gone for a while, and something must be seen in each window
    warm_up=0.05,
    connections=8,
    rooms=(5, 8),
    senders=2,
    hall=(12, 5),
    idle=(50,),
    storm=30,
    returning=30,
    payloads=(16, 65_536),
    steps=(50,),
    soak=(3, 0.4),
    workers=(1, 2),
    primaries=(1, 2),
)

Play = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def _any_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests ask what is measured, not how well; so a busy machine voids nothing."""
    for limit in ("CPU_SHARE_MAX", "LAG_P99_MAX_MS", "STOLEN_SHARE_MAX"):
        monkeypatch.setattr(f"bench.rounds.{limit}", float("inf"))


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def play(notes: Notes) -> Play:
    """Runs a scenario, beside peers if named; what failed to run is a failure of the test."""

    def run(name: str, peers: Sequence[str] = (), load: Load | None = None) -> Outcome:
        chosen = [PEERS[peer] for peer in peers]
        stage = Stage(load or Load(window=2), TINY, notes, chosen, everywhere=True)
        outcome = SCENARIOS[name].run(stage)
        assert notes.skipped == {}
        return outcome

    return run


def figures(outcome: Outcome) -> dict[tuple[str, str, str], Row]:
    """The rows by scenario, system and figure, of which each is there once."""
    found = {(row.scenario, row.system, row.figure): row for row in outcome.rows}
    assert len(found) == len(outcome.rows)
    return found
