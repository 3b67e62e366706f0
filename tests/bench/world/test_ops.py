"""The gate over everything that clients did, and what is computed from it."""

import pytest

from bench.world.figures import TWO_PHASE, Samples, percentile
from bench.world.ops import Book, Op, samples
from bench.world.planet import planet


def a_book(*kinds: str) -> Book:
    """Operations from eu to us, numbered from 1, all to be sent at 1,000 ns."""
    book = Book()
    for number, kind in enumerate(kinds, 1):
        book.ops[str(number)] = Op(number, ("eu", "us"), kind, "bob", 1_000)
    return book


def test_all_that_came_once_and_in_order_is_no_fault() -> None:
    book = a_book("message", "payment")
    for id in ("1", "2"):
        book.acked(id, 2_000, "accepted" if id == "2" else "")
        book.delivered(id, "alice", "bob", 3_000)
    assert [op.done for op in book.of(1)] == [True, False]
    book.closed("2", "settled", 4_000)
    assert book.ops["2"].done
    assert not book.faults


def test_an_entry_that_comes_twice_is_a_fault() -> None:
    book = a_book("message")
    book.delivered("1", "alice", "bob", 2_000)
    book.delivered("1", "alice", "bob", 3_000)
    assert book.faults == {"doubled": 1}


def test_an_entry_that_overtakes_is_a_fault_but_not_from_another_sender() -> None:
    book = a_book("message", "message", "message")
    book.delivered("3", "carol", "bob", 2_000)
    book.delivered("2", "alice", "bob", 2_000)
    assert not book.faults
    book.delivered("1", "alice", "bob", 3_000)
    assert book.faults == {"reordered": 1}


def test_what_was_sent_again_may_be_overtaken() -> None:
    book = a_book("message", "message")
    book.ops["1"].again = True
    book.delivered("2", "alice", "bob", 2_000)
    book.delivered("1", "alice", "bob", 3_000)
    assert not book.faults


def test_what_nobody_sent_is_a_fault() -> None:
    book = a_book()
    book.delivered("7", "alice", "bob", 1)
    assert book.faults == {"unasked": 1}


def test_money_that_comes_back_and_two_ends_of_a_payment_are_faults() -> None:
    book = a_book("payment")
    book.closed("1", "settled", 2_000)
    book.closed("1", "returned", 3_000)
    assert book.faults == {"doubled": 1, "returned": 1}


def test_money_is_in_transit_from_its_ack_to_its_credit() -> None:
    book = a_book("payment", "message")
    assert book.in_transit() == 0
    book.acked("1", 2_000, "accepted")
    book.acked("2", 2_000, "")
    assert book.in_transit() == 1
    book.delivered("1", "alice", "bob", 3_000)
    assert book.in_transit() == 0


def test_samples_count_from_the_intended_time() -> None:
    book = a_book("message", "payment")
    for id in ("1", "2"):
        book.acked(id, 1_000 + 10**9, "")
        book.delivered(id, "alice", "bob", 1_000 + 2 * 10**9)
    found = samples(book.of(1))
    assert found == {
        "eu>us": {"ack": [1.0], "delivery": [2.0], "payment ack": [1.0], "credit": [2.0]}
    }


@pytest.mark.parametrize(("percent", "value"), [(50, 2.0), (99, 4.0), (25, 1.0), (1, 1.0)])
def test_percentiles_are_values_that_were_there(percent: int, value: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], percent) == value


WINDOW = {
    "FRA>FRA": {"payment ack": [0.002]},
    "FRA>IAD": {"payment ack": [0.005], "delivery": [0.050], "credit": [0.051]},
    "FRA>DUB": {"payment ack": [0.003], "delivery": [0.020], "credit": [0.015]},
}


def test_rows_take_the_distance_off_and_tell_the_worst_pair() -> None:
    kept = Samples(planet(), "disk")
    kept.add({"samples": WINDOW})
    found = {(row.scenario, row.figure): row.value for row in kept.rows()}
    assert found["world FRA-IAD", "delivery beyond one-way p50"] == pytest.approx(4.0)
    assert found["world FRA-DUB", "delivery beyond one-way p50"] == pytest.approx(7.0)
    assert found["world FRA-IAD", "payment ack beyond commit p99"] == pytest.approx(3.0)
    assert found["world", "delivery beyond one-way p50"] == pytest.approx(7.0)
    assert found["world", "credit beyond one-way p99"] == pytest.approx(5.0)
    assert found["world", "payment ack beyond commit p99"] == pytest.approx(3.0)


def test_where_nobody_pays_abroad_nothing_is_said_of_the_world() -> None:
    kept = Samples(planet(), "disk", TWO_PHASE)
    kept.add({"samples": {"FRA>FRA": WINDOW["FRA>FRA"]}})
    assert {row.scenario for row in kept.rows()} == {"world FRA-FRA"}
    assert {row.system for row in kept.rows()} == {"two-phase"}
