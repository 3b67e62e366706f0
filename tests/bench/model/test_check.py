"""The model is made from two points of a curve and held against the others."""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest

from bench.errors import BenchError
from bench.model.calibrate import FITTED, calibrated, fitted
from bench.model.check import WITHIN, Claim, capacity, claims, proving
from bench.model.measure import SIZES, STEPS

from .figures import WORK, costs, with_curve


def test_two_points_give_what_a_call_and_a_post_cost() -> None:
    def cost(batch: float) -> float:
        return 15 + 50 / batch

    assert fitted((2, cost(2)), (20, cost(20))) == pytest.approx((50, 15))


def test_where_larger_calls_save_nothing_all_is_per_post() -> None:
    assert fitted((2, 20.0), (20, 25.0)) == (0.0, 25.0)
    assert fitted((5, 30.0), (5, 20.0)) == (0.0, 20.0)


def test_no_post_costs_less_than_nothing() -> None:
    call, post = fitted((2, 100.0), (20, 5.0))
    assert post == 0.0
    assert call == pytest.approx(100.0)


def test_the_work_behind_a_curve_is_found_again() -> None:
    assert astuple(calibrated(with_curve())) == pytest.approx(astuple(WORK), rel=0.05)


def test_a_curve_of_the_models_own_is_foretold() -> None:
    curve = with_curve()
    true = replace(curve, capacity=capacity(WORK, curve))
    held = proving(claims(true))
    assert all(claim.holds for claim in held), [c for c in held if not c.holds]
    assert {claim.name.partition(" at")[0] for claim in held} == {
        "capacity", "hub CPU", "store CPU", "messages in a call", "ack p50", "ack p99",
    }  # fmt: skip


def test_a_machine_that_is_slower_than_the_model_says_is_seen() -> None:
    off = [claim for claim in proving(claims(with_curve(times=1.5))) if not claim.holds]
    assert {"ack p50 at 50 %", "ack p99 at 90 %"} <= {claim.name for claim in off}


def test_what_was_fitted_proves_nothing() -> None:
    found = claims(with_curve())
    assert {c.name for c in found if c.fitted} == {
        f"{part} CPU at {share} %" for part in ("hub", "store") for share in FITTED
    }
    assert all(claim.holds for claim in found if claim.fitted)
    assert set(FITTED) < set(STEPS) == set(SIZES.steps)


def test_an_error_is_a_share_of_what_was_seen() -> None:
    claim = Claim("p99", "ms", said=11.6, seen=10.0)
    assert claim.error == pytest.approx(0.16)
    assert not claim.holds
    assert Claim("p99", "ms", said=8.6, seen=10.0).holds
    assert WITHIN == 0.15


def test_a_curve_is_needed() -> None:
    with pytest.raises(BenchError, match="no curve"):
        claims(costs())
