from typing import Any

import pytest

from bench.load.histogram import pack
from bench.options import Load
from bench.scenarios import capacity, soak, spike
from bench.search import CLOSE
from bench.stage import Stage
from tests.bench.contenders import FINE, Notes, a_round, driven

from .conftest import TINY, Play, figures


def test_slow_readers(play: Play) -> None:
    outcome = play("slow")
    assert outcome.held
    found = figures(outcome)
    for name in ("slow", "slow no stall"):
        assert found[name, "teller", "server memory peak"].value > 0
    assert found["slow", "teller", "delivery p99 ÷ no stall"].value > 0


def test_spike(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spike, "AFTER_SECONDS", 1)
    outcome = play("spike", load=Load(rate=100.0))
    assert outcome.held
    found = figures(outcome)
    assert found["spike", "teller", "worst second's ack p99"].value > 0


@pytest.mark.parametrize(
    ("after", "seconds"),
    [([5.0, 5.0], 0.0), ([900.0, 5.0], 1.0), ([900.0, 5.0, 900.0, 5.0], 3.0), ([18.0], 0.0)],
)
def test_it_is_calm_when_latency_is_what_it_was(after: list[float], seconds: float) -> None:
    tails = [4.0, 5.0, 6.0, 2_000.0, *after]
    timeline = [[n, 100, p99] for n, p99 in enumerate(tails)]
    assert spike.calm(a_round(timeline=timeline)) == seconds


def test_calm_is_not_known_without_seconds_to_compare() -> None:
    assert spike.calm(a_round(timeline=[])) is None


def test_soak(play: Play) -> None:
    outcome = play("soak")
    assert outcome.held
    found = figures(outcome)
    for figure in ("ack p99 drift", "server memory drift", "store memory drift"):
        assert ("soak", "teller", figure) in found


def test_hall(play: Play) -> None:
    outcome = play("hall")
    assert outcome.held
    found = figures(outcome)
    for figure in ("delivery p50", "ack p99 drift", "server memory drift"):
        assert ("hall", "teller", figure) in found


def test_a_slope_is_per_minute() -> None:
    assert soak.slope([10.0, 11.0, 12.0], 30.0) == pytest.approx(2.0)
    assert soak.slope([5.0, 5.0, 5.0], 1.0) == 0.0


def a_system(knee: float, slow_above: bool) -> Any:
    """Answers in 1 ms up to the knee; above it late, or not all of it."""

    def drive(rate: float | None = None, **_: Any) -> dict[str, Any]:
        if rate is None:
            return {**FINE, "acked": round(knee * FINE["seconds"] * 1.2)}
        late = slow_above and rate > knee
        done = rate if slow_above else min(rate, knee)
        acked = round(done * FINE["seconds"])
        return {**FINE, "acked": acked, "ack": pack([200_000_000 if late else 1_000_000])}

    return drive


@pytest.mark.parametrize("slow_above", [True, False])
@pytest.mark.parametrize("knee", [700.0, 20_000.0])
def test_capacity_finds_a_known_knee(notes: Notes, knee: float, slow_above: bool) -> None:
    stage = Stage(Load(), TINY, notes, [])
    found = capacity.search(stage, driven(a_system(knee, slow_above), "capacity"))
    assert found is not None
    # What does not reach the rate passes up to one per cent above the knee.
    assert knee / CLOSE <= found <= knee / capacity.ACHIEVED_MIN


def test_what_loses_something_has_no_capacity(notes: Notes) -> None:
    def drive(**_: Any) -> dict[str, Any]:
        return {**FINE, "faults": {"lost": 1}}

    assert capacity.search(Stage(Load(), TINY, notes, []), driven(drive)) is None


def test_a_strained_generator_ends_the_ramp(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.rounds.CPU_SHARE_MAX", 0.85)

    def drive(rate: float | None = None, **_: Any) -> dict[str, Any]:
        acked = round((rate or 1_000) * FINE["seconds"])
        return {**FINE, "acked": acked, "generator_cpu": 0.9 if (rate or 0) > 2_000 else 0.5}

    found = capacity.search(Stage(Load(), TINY, notes, []), driven(drive))
    assert found is not None
    assert found <= 2_000
    assert any("was the limit" in words for words in notes.said)


def test_capacity_and_the_latency_below_it(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whether a rate passes must not depend on the machine, in windows as short as these.
    monkeypatch.setattr(capacity, "P99_MAX_MS", 5_000.0)
    monkeypatch.setattr(capacity, "ACHIEVED_MIN", 0.01)
    monkeypatch.setattr(capacity, "START_SHARE", 0.05)
    monkeypatch.setattr(capacity, "TRIES_MAX", 3)
    outcome = play("capacity")
    assert outcome.held
    found = figures(outcome)
    assert found["capacity", "teller", "capacity"].value > 0
    assert found["capacity at 50 %", "teller", "ack p99"].value > 0
