import pytest

from bench.load.histogram import pack
from bench.report import Row, interval, ratio, rows_of
from bench.rounds import Contender

from ..contenders import a_contender, a_round


def three_rounds(system: str = "teller", factor: int = 1) -> Contender:
    contender = a_contender(system=system)
    for cpu in (1, 2, 9):
        cost = {"server": cpu * factor * 1_000_000, "store": 1_000_000}
        contender.rounds.append(a_round(cpu_ns=cost, ack=pack([cpu * 1_000_000])))
    return contender


def by_figure(contender: Contender, per: str = "acked") -> dict[str, Row]:
    return {row.figure: row for row in rows_of(contender, per)}


def test_rows_are_medians_with_their_interval() -> None:
    rows = by_figure(three_rounds())
    assert rows["server CPU per op"] == Row(
        "dm", "teller", "server CPU per op", 2.0, "µs", "disk", 3, low=1.0, high=9.0
    )
    assert rows["system CPU per op"].value == 3.0
    assert rows["operations"].value == 500.0


def test_percentiles_are_those_of_all_rounds_together() -> None:
    rows = by_figure(three_rounds())
    assert rows["ack p50"].value == pytest.approx(2.0, rel=0.01)
    assert rows["ack max"].value == pytest.approx(9.0, rel=0.01)
    assert rows["ack max"].low is None


def test_cost_can_be_told_per_copy() -> None:
    assert "server CPU per copy" in by_figure(three_rounds(), "delivered")
    assert "server CPU per op" not in by_figure(three_rounds(), "delivered")


def test_a_void_round_does_not_count_and_two_make_no_interval() -> None:
    contender = three_rounds()
    contender.rounds[2] = a_round(generator_cpu=0.99)
    cost = by_figure(contender)["server CPU per op"]
    assert (cost.value, cost.rounds, cost.low, cost.high) == (1.5, 2, None, None)


def test_a_contender_without_a_valid_round_has_no_rows() -> None:
    contender = a_contender()
    contender.rounds.append(a_round(generator_cpu=0.99))
    assert rows_of(contender) == []


def test_a_ratio_is_taken_round_by_round() -> None:
    ours, theirs = three_rounds(), three_rounds("relay", factor=4)
    theirs.rounds[0] = a_round(generator_cpu=0.99)
    (row,) = ratio("cost", ours, theirs, lambda one: one.cpu_us("server"))
    assert (row.value, row.unit, row.rounds) == (0.25, "×", 2)
    assert ratio("cost", ours, theirs, lambda one: one.cpu_us("broker")) == []


def test_an_interval_encloses_the_median_and_narrows_with_agreement() -> None:
    wide = interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    close = interval([3.9, 4.0, 4.0, 4.0, 4.1])
    assert wide is not None
    assert close is not None
    assert 1.0 <= wide[0] < 4.0 < wide[1] <= 7.0
    assert close[1] - close[0] < wide[1] - wide[0]
    assert interval([1.0, 2.0]) is None
    assert interval([1.0, 2.0, 9.0]) == interval([1.0, 2.0, 9.0])
