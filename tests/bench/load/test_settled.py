"""Payments that are on their way when they are acknowledged."""

from typing import Any

import pytest

from bench.load.gate import Faults, check_settlements
from bench.load.histogram import merge

from .conftest import Enter
from .fake_hub import Planted
from .test_gate import found
from .test_window import count_of

PAYMENTS: dict[str, Any] = {"kinds": {"payment": 1}, "until": "settled", "depth": 3}
SHORT: dict[str, Any] = {"seconds": 0.4, "warm_up": 0.0, "drain": 0.5}


@pytest.mark.parametrize(
    ("settled", "faults"),
    [
        ([1, 2], Faults()),
        ([1], Faults(unsettled=1)),
        ([1, 2, 2], Faults(doubled=1)),
        ([2, 1], Faults(reordered=1)),
        ([1, 2, 3], Faults(unexpected=1)),
    ],
)
def test_settlements(settled: list[int], faults: Faults) -> None:
    assert check_settlements([1, 2], settled) == faults


@pytest.mark.parametrize(
    ("planted", "fault"),
    [
        ({}, ""),
        ({"forget_settled_at": 7}, "unsettled"),
        ({"settle_twice_at": 7}, "doubled"),
        ({"swap_settled_at": 7}, "reordered"),
        ({"lose_at": 7}, "lost"),
    ],
)
async def test_a_planted_fault_is_caught(
    entered: Enter, planted: dict[str, int], fault: str
) -> None:
    async with entered(4, Planted(travels=True, **planted)) as (_, worker):
        result = await worker.load(**PAYMENTS, **SHORT)
        assert found(result) == ({fault} if fault else set())
        assert not result["errors"]
        assert result["sent"] > 20


async def test_an_ack_must_say_that_the_money_is_on_its_way(entered: Enter) -> None:
    async with entered(2, Planted(travels=True, misstate_at=7)) as (_, worker):
        result = await worker.load(**PAYMENTS, **SHORT)
        assert "not every ack says" in str(result["errors"])


async def test_no_money_may_travel_where_none_is_expected_to(entered: Enter) -> None:
    async with entered(2, Planted(travels=True)) as (_, worker):
        result = await worker.load(**{**PAYMENTS, **SHORT, "until": "ack"})
        assert "no money travels" in str(result["errors"])


@pytest.mark.parametrize("until", ["ack", "settled"])
async def test_a_closed_loop_waits_for_what_ends_an_operation(entered: Enter, until: str) -> None:
    planted = Planted(travels=True, settle_late=0.3)
    async with entered(2, planted) as (_, worker):
        plan = {**PAYMENTS, "until": until, "seconds": 0.2, "warm_up": 0.0, "drain": 1.0}
        result = await worker.load(**plan)
        waited = result["sent"] == 2 * PAYMENTS["depth"]  # the first ones of both
        assert waited is (until == "settled")


async def test_it_counts_until_both_sides_know(entered: Enter) -> None:
    planted = Planted(travels=True, settle_late=0.2)
    async with entered(2, planted) as (_, worker):
        result = await worker.load(**PAYMENTS, seconds=0.4, warm_up=0.0, rate=200.0)
        assert not found(result)
        assert result["sent"] == 80
        assert 70 <= count_of(result["settled"]) <= 80  # the first are sent before it counts
        assert merge([result["settled"]]).get_min_value() >= 190_000


async def test_a_closed_loop_may_wait_for_the_delivery(entered: Enter) -> None:
    """A copy that is held back keeps its sender waiting, though it was acknowledged."""
    async with entered(2, Planted(lose_at=1)) as (_, worker):
        result = await worker.load(until="delivery", depth=1, senders=1, **SHORT)
        assert found(result) == {"lost"}
        assert result["sent"] == 1
