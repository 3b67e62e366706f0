from typing import Any

import pytest

from bench.load.gate import Faults, check_acks, check_deliveries

from .conftest import Enter
from .fake_hub import Planted

TO_EXPECT = {1: 0, 2: 1, 3: 0, 4: 1}


@pytest.mark.parametrize(
    ("delivered", "faults"),
    [
        ([1, 2, 3, 4], Faults()),
        ([2, 1, 4, 3], Faults()),  # another sender's place is free
        ([1, 2, 4], Faults(lost=1)),
        ([1, 2, 2, 3, 4], Faults(doubled=1)),
        ([3, 2, 1, 4], Faults(reordered=1)),
        ([1, 2, 3, 4, 9], Faults(unexpected=1)),
        ([], Faults(lost=4)),
    ],
)
def test_deliveries(delivered: list[int], faults: Faults) -> None:
    assert check_deliveries(TO_EXPECT, delivered) == faults


@pytest.mark.parametrize(
    ("acked", "faults"),
    [
        ([2, 1], Faults()),
        ([1], Faults(unacknowledged=1)),
        ([1, 2, 2], Faults(acknowledged_twice=1)),
        ([1, 2, 3], Faults(unexpected=1)),
    ],
)
def test_acks(acked: list[int], faults: Faults) -> None:
    assert check_acks([1, 2], acked) == faults


def found(result: dict[str, Any]) -> set[str]:
    """The faults that a result tells of."""
    return {name for name, number in result["faults"].items() if number}


@pytest.mark.parametrize(
    ("planted", "fault"),
    [
        (Planted(), ""),
        (Planted(lose_at=7), "lost"),
        (Planted(double_at=7), "doubled"),
        (Planted(swap_at=7), "reordered"),
        (Planted(forget_ack_at=7), "unacknowledged"),
        (Planted(stray_at=7), "unexpected"),
    ],
)
@pytest.mark.parametrize(
    ("to", "senders"), [("pair", None), ("room", 2), ("room", 4), ("zipf", None), ("hot", 3)]
)
async def test_a_planted_fault_is_caught(
    entered: Enter, planted: Planted, fault: str, to: str, senders: int | None
) -> None:
    async with entered(4, planted, room=to == "room") as (hub, worker):
        plan = {"to": to, "senders": senders, "depth": 3}
        result = await worker.load(seconds=0.4, warm_up=0.0, drain=0.5, **plan)
        assert found(result) == ({fault} if fault else set())
        assert result["sent"] == hub.messages > 20


@pytest.mark.parametrize("fault", ["lose_at", "double_at", "swap_at"])
async def test_a_fault_shows_where_only_deliveries_are_counted(entered: Enter, fault: str) -> None:
    planted = Planted(acks=False, **{fault: 7})
    async with entered(4, planted, "json-noack", room=True) as (_, worker):
        plan = {"to": "room", "senders": 2, "depth": 3, "seconds": 0.4, "warm_up": 0.0}
        result = await worker.load(**plan, drain=0.5)
        assert len(found(result)) == 1


@pytest.mark.parametrize("room", [False, True])
async def test_who_is_turned_away_as_busy_is_counted_and_lost_nothing(
    entered: Enter, room: bool
) -> None:
    to = "room" if room else "pair"
    async with entered(4, Planted(refuse_at=5), room=room) as (_, worker):
        result = await worker.load(to=to, depth=8, seconds=0.1, warm_up=0.0, drain=0.2)
        assert result["refused"] == 1
        assert not result["errors"]
        assert not found(result)


async def test_any_other_refusal_is_told_and_lost(entered: Enter) -> None:
    async with entered(2, Planted(refuse_at=5, refuse_with="forbidden")) as (_, worker):
        result = await worker.load(depth=8, seconds=0.1, warm_up=0.0, drain=0.2)
        assert "forbidden" in str(result["errors"])
        assert found(result) == {"lost", "unacknowledged"}


async def test_windows_follow_each_other_and_ids_go_on(entered: Enter) -> None:
    async with entered(4, room=True) as (hub, worker):
        sent = 0
        for to in ("pair", "room", "uniform", "pair"):
            result: dict[str, Any] = await worker.load(to=to, seconds=0.05, warm_up=0.02)
            assert not found(result)
            sent += result["sent"]
        assert sent == hub.messages
