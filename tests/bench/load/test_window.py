import re
from typing import Any

import pytest

from bench.load import crowd
from bench.load.dialects.teller import Json
from bench.load.histogram import merge
from bench.load.worker import Worker

from .conftest import Enter
from .fake_hub import Planted
from .test_gate import found

STALL_MS = 100


def count_of(packed: str) -> int:
    number: int = merge([packed]).get_total_count()
    return number


async def test_a_stall_shows_in_the_open_loops_tail(entered: Enter) -> None:
    """Coordinated omission: all that should have been sent in a stall counts as late, although
    the hub was slow to a few frames only, seen one by one."""
    planted = Planted(stall_at=100, stall_seconds=STALL_MS / 1_000)
    async with entered(2, planted) as (_, worker):
        result: dict[str, Any] = await worker.load(seconds=1.2, warm_up=0.0, rate=400)
    assert not found(result)
    histogram = merge([result["ack"]])
    assert histogram.get_value_at_percentile(99) > STALL_MS * 1_000 / 2
    assert histogram.get_max_value() >= STALL_MS * 1_000 * 0.9
    # Of the 40 that were due in the stall, half had to wait for at least half of it.
    late = [step for step in histogram.get_recorded_iterator() if step.value_iterated_to > 50_000]
    assert sum(step.count_added_in_this_iter_step for step in late) >= 15
    first = result["timeline"][0]  # a busy machine may stall in a later one, too
    assert (first[0], first[2] > STALL_MS / 2) == (0, True)


async def test_an_open_loop_sends_what_it_says(entered: Enter) -> None:
    async with entered(2) as (hub, worker):
        result: dict[str, Any] = await worker.load(seconds=1.5, warm_up=0.1, rate=100)
    assert result["sent"] == hub.messages == 160
    assert 0 < count_of(result["ack"]) <= 155  # those of the warm-up do not count
    assert count_of(result["lag"]) == 160


async def test_a_shape_changes_the_rate(entered: Enter) -> None:
    async with entered(2) as (hub, worker):
        shape = [[0.2, 1], [0.1, 10], [0.2, 1]]
        result: dict[str, Any] = await worker.load(rate=100, shape=shape, warm_up=0.1)
    assert result["sent"] == hub.messages == 10 + 20 + 100 + 20
    assert result["seconds"] >= 0.49  # the three stretches, and not the warm-up


async def test_a_closed_loop_keeps_its_depth(entered: Enter) -> None:
    planted = Planted(stall_at=1, stall_seconds=0.3)
    async with entered(2, planted) as (_, worker):
        result = await worker.load(seconds=0.2, warm_up=0.0, depth=5)
    assert result["sent"] == 10  # the stall outlasts the window: two senders, five each


async def test_each_kind_has_figures_of_its_own(entered: Enter) -> None:
    async with entered(4, room=True) as (_, worker):
        kinds = {"room": 60, "message": 30, "payment": 10}
        result: dict[str, Any] = await worker.load(
            kinds=kinds, to="uniform", depth=4, seconds=1.0, warm_up=0.0
        )
    parts = result["kinds"]
    assert parts.keys() == kinds.keys()
    assert sum(part["acked"] for part in parts.values()) == result["acked"] > 100
    assert sum(part["delivered"] for part in parts.values()) == result["delivered"]
    assert parts["room"]["acked"] > parts["message"]["acked"] > parts["payment"]["acked"] > 0
    assert parts["room"]["delivered"] > 2 * parts["room"]["acked"]
    assert sum(count_of(part["ack"]) for part in parts.values()) == count_of(result["ack"])
    assert sum(count_of(part["delivery"]) for part in parts.values()) == count_of(
        result["delivery"]
    )


async def test_the_spread_is_from_the_first_copy_to_the_last(entered: Enter) -> None:
    async with entered(6, room=True) as (_, worker):
        result: dict[str, Any] = await worker.load(
            to="room", senders=1, rate=100, seconds=0.3, warm_up=0.0
        )
    assert 25 <= count_of(result["spread"]) <= 30
    slowest = merge([result["delivery"]]).get_max_value()
    assert 0 < merge([result["spread"]]).get_max_value() <= slowest


@pytest.mark.parametrize("to", ["pair", "room"])
async def test_without_acks_an_operation_ends_with_its_delivery(entered: Enter, to: str) -> None:
    planted = Planted(acks=False)
    async with entered(4, planted, "json-noack", room=to == "room") as (hub, worker):
        result: dict[str, Any] = await worker.load(to=to, depth=3, seconds=0.8, warm_up=0.05)
    copies = 3 if to == "room" else 1
    assert result["sent"] == hub.messages > 3 * 4  # the loop went on
    assert result["acked"] == pytest.approx(result["delivered"] / copies, abs=1)
    assert result["acked"] > 0
    assert count_of(result["ack"]) == 0
    assert count_of(result["delivery"]) > 0
    assert result["timeline"]
    assert not found(result)


class Counting(Json):
    """A dialect whose acknowledgements are running counts, as in XEP-0198."""

    name = "counting"
    ack_counts = True
    chaser = b'{"type":"count"}'

    def __init__(self) -> None:
        super().__init__()
        self.ack = re.compile(rb'\{"type":"counted","frames":(\d+)\}')


@pytest.mark.parametrize("lose_at", [0, 30])
async def test_acks_that_count(
    entered: Enter, lose_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(crowd.DIALECTS, "counting", Counting())
    planted = Planted(acks=False, lose_at=lose_at)
    async with entered(2, planted, "counting", room=True) as (_hub, worker):
        for _ in range(2):
            plan = {"depth": 4, "seconds": 0.5, "warm_up": 0.0, "drain": 0.5}
            result: dict[str, Any] = await worker.load(**plan)
            lost, lose_at = bool(lose_at), 0
            assert found(result) == ({"lost"} if lost else set())
            assert result["acked"] > 8
            first = 2 * plan["depth"]  # sent before the window begins to count
            assert count_of(result["ack"]) in range(result["sent"] - first, result["sent"] + 1)


async def test_stalled_readers_get_everything_in_the_end(entered: Enter) -> None:
    """The hub cuts them off; they come back with their cursors, page by page where they must."""
    async with entered(6, Planted(backlog_max=1 << 19), room=True) as (hub, worker):
        plan = {"to": "room", "senders": 2, "size": 20_000, "seconds": 2.4, "warm_up": 0.0}
        for stalled in (2, 0):  # and the next window goes on from there
            result: dict[str, Any] = await worker.load(rate=250, stalled=stalled, **plan)
            assert not found(result)
            assert not result["errors"]
            assert result["sent"] == 600
            assert result["returned"] >= stalled
        assert hub.cut >= 2  # one that comes back may be too slow again
        assert count_of(result["delivery"]) >= 590 * 5


async def test_pairs_need_an_even_number(entered: Enter) -> None:
    async with entered(3) as (_, worker):
        with pytest.raises(ValueError, match="odd"):
            await worker.load(to="pair")


async def test_who_is_not_let_in_is_told_so() -> None:
    worker = Worker([("127.0.0.1", 1)], "json")
    with pytest.raises(OSError, match="refused"):
        await worker.enter(2)
