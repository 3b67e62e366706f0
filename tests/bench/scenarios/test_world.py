from __future__ import annotations

from dataclasses import replace

import pytest

from bench.options import Load
from bench.scenarios import SCENARIOS
from bench.stage import Stage
from bench.world import faults
from bench.world.figures import TWO_PHASE
from tests.bench.contenders import Notes

from .conftest import TINY, figures


def test_world(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    for stretch in ("LEAD_SECONDS", "AFTER_SECONDS"):
        monkeypatch.setattr(faults, stretch, 0.3)
    # They send for more than half of a cut, so that some is on its way on a busy machine, too.
    sizes = replace(TINY, regions=("FRA", "DUB"), cut=3.0, seconds=0.4)
    outcome = SCENARIOS["world"].run(Stage(Load(rate=80.0), sizes, notes, []))
    assert outcome.held, notes.said
    found = figures(outcome)
    assert found["world FRA-FRA", "teller", "payment ack p50"].value > 0
    assert found["world FRA-DUB", TWO_PHASE, "payment ack p50"].value >= 2 * 13
    assert found["world cut", TWO_PHASE, "locked accounts at the end"].value > 0
    assert found["world FRA-DUB", "teller", "delivery beyond one-way p50"].value >= 0
    assert found["world cut", "teller", "undelivered at the end"].value > 0
    assert found["world loss", "teller", "seconds to drain"].value > 0
