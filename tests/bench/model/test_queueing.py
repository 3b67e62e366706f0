"""Closed forms and discrete events against what queueing theory knows exactly."""

from __future__ import annotations

import random
from itertools import accumulate
from math import exp, factorial, inf, log
from statistics import fmean

import pytest

from bench.model.events import Clock, percentile, waits
from bench.model.queueing import mean_wait, wait_percentile

JOBS = 60_000
SERVICE = 1.0


def arrivals(rate: float, number: int = JOBS) -> list[float]:
    draw = random.Random(7)
    return list(accumulate(draw.expovariate(rate) for _ in range(number)))


def test_the_mean_wait_of_mm1_and_md1_is_exact() -> None:
    rate, service = 0.8, 1.0
    assert mean_wait(rate, service, 1.0) == pytest.approx(0.8 / (1 - 0.8))
    assert mean_wait(rate, service, 0.0) == pytest.approx(0.8 / (1 - 0.8) / 2)


def test_the_percentiles_of_mm1_are_exact() -> None:
    rate, percent = 0.7, 99.0
    wait = wait_percentile(percent, rate, SERVICE, 1.0)
    assert 0.7 * exp(-(1 - 0.7) * wait) == pytest.approx(1 - percent / 100)
    assert wait == pytest.approx(log(0.7 / 0.01) / 0.3)


def test_who_finds_the_server_idle_does_not_wait() -> None:
    assert wait_percentile(50, 0.4, SERVICE) == 0.0
    assert wait_percentile(70, 0.4, SERVICE) > 0.0


def test_more_than_can_be_served_waits_for_ever() -> None:
    assert mean_wait(1.0, SERVICE) == inf
    assert wait_percentile(50, 1.5, SERVICE) == inf


@pytest.mark.parametrize("rate", [0.3, 0.6, 0.8])
def test_the_events_agree_with_mm1(rate: float) -> None:
    draw = random.Random(11)
    found = waits(arrivals(rate), (draw.expovariate(1 / SERVICE) for _ in range(JOBS)))
    assert len(found) == JOBS
    assert fmean(found) == pytest.approx(mean_wait(rate, SERVICE, 1.0), rel=0.05)
    expected = wait_percentile(99, rate, SERVICE, 1.0)
    assert percentile(found, 99) == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize("rate", [0.3, 0.6, 0.8])
def test_the_events_agree_with_md1(rate: float) -> None:
    found = waits(arrivals(rate), [SERVICE] * JOBS)
    assert fmean(found) == pytest.approx(mean_wait(rate, SERVICE, 0.0), rel=0.05)
    for time in (0.0, 0.5, 2.0):
        share = sum(wait <= time + 1e-9 for wait in found) / JOBS
        assert share == pytest.approx(md1_share(rate, time), abs=0.01)


def test_our_percentile_of_md1_is_somewhat_too_long_and_never_too_short() -> None:
    for rate in (0.5, 0.8):
        assert 0.99 <= md1_share(rate, wait_percentile(99, rate, SERVICE)) <= 0.998


def md1_share(rate: float, time: float) -> float:
    """The share that waits `time` at most, where service takes 1 (Erlang 1909, Crommelin 1932)."""
    late = (rate * (k - time) for k in range(int(time) + 1))
    return (1 - rate) * sum(x**k / factorial(k) * exp(-x) for k, x in enumerate(late))


def test_what_happens_at_the_same_time_happens_in_the_order_it_was_asked() -> None:
    clock, seen = Clock(), list[str]()
    for name in "abc":
        clock.at(1.0, lambda name=name: seen.append(name))  # type: ignore[misc]
    clock.at(0.5, lambda: seen.append("first"))
    clock.run()
    assert seen == ["first", "a", "b", "c"]


def test_a_percentile_of_nothing_is_nothing() -> None:
    assert percentile([], 99) == 0.0
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert percentile([3.0, 1.0, 2.0], 100) == 3.0
