from dataclasses import replace

from bench.report import Row
from bench.report.compare import compare, differences

from .runs import a_row, a_run, rows


def with_change(figure: str, factor: float) -> list[Row]:
    """The rows with one figure of Teller's direct messages changed, its interval too."""

    def changed(row: Row) -> Row:
        if (row.scenario, row.system, row.figure) != ("dm", "teller", figure):
            return row
        low, high = (row.low or 0) * factor, (row.high or 0) * factor
        return replace(row, value=row.value * factor, low=low, high=high)

    return [changed(row) for row in rows()]


def test_a_planted_change_comes_first_and_is_judged() -> None:
    for figure, factor, verdict in (
        ("operations", 1.3, "better"),
        ("operations", 0.7, "worse"),
        ("server CPU per op", 0.7, "better"),
        ("server CPU per op", 1.3, "worse"),
        ("operations ÷ ws", 1.3, "better"),
    ):
        changes = compare(a_run(), a_run(rows=with_change(figure, factor)))
        assert (changes[0].new.figure, changes[0].verdict) == (figure, verdict)
        assert [change.beyond_noise for change in changes[1:]] == [False] * (len(changes) - 1)


def test_noise_is_called_noise() -> None:
    changes = compare(a_run(), a_run(rows=with_change("operations", 1.03)))
    (moved,) = [change for change in changes if change.ratio != 1]
    assert moved.verdict == "within the noise"


def test_without_an_interval_nothing_is_claimed() -> None:
    old = [a_row("dm", "teller", "ack max", 5, low=None, high=None)]
    new = [a_row("dm", "teller", "ack max", 50)]
    (change,) = compare(a_run(rows=old), a_run(rows=new))
    assert (change.verdict, change.beyond_noise, change.ratio) == ("no interval", None, 10)


def test_the_greatest_change_comes_first() -> None:
    names = ("ack p50", "ack p90", "ack p99")
    old = [a_row("dm", "teller", name, 10) for name in names]
    new = [
        a_row("dm", "teller", name, value) for name, value in zip(names, (13, 2, 20), strict=True)
    ]
    changes = compare(a_run(rows=old), a_run(rows=new))
    assert [change.new.figure for change in changes] == ["ack p90", "ack p99", "ack p50"]


def test_only_what_both_have_is_compared_and_never_the_instrument() -> None:
    new = [*rows(), a_row("spike", "teller", "operations", 5)]
    kept = {
        (change.new.scenario, change.new.figure) for change in compare(a_run(), a_run(rows=new))
    }
    assert ("spike", "operations") not in kept
    assert ("dm", "generator CPU") not in kept
    gone = [a_row("dm", "teller", "operations", 5, durability="memory")]
    assert compare(a_run(), a_run(rows=gone)) == []


def test_a_figure_of_zero_has_no_ratio() -> None:
    nothing = [a_row("spike", "teller", "seconds until calm", 0)]
    some = [a_row("spike", "teller", "seconds until calm", 2)]
    assert compare(a_run(rows=nothing), a_run(rows=some)) == []
    assert compare(a_run(rows=some), a_run(rows=nothing)) == []


def test_another_machine_is_told() -> None:
    other = a_run(machine={"CPU": "another", "cores": 2, "date": "2026-02-02 00:00 UTC"})
    assert differences(a_run(), other) == ["CPU: a processor → another"]
