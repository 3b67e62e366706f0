from pathlib import Path

import orjson
import pytest

from bench.load.histogram import pack
from bench.report import ratio, rows_of, show, write
from bench.rounds import Contender

from .test_rounds import a_contender, a_round


def three_rounds(system: str = "teller", factor: int = 1) -> Contender:
    contender = a_contender(system=system)
    for cpu in (1, 2, 9):
        cost = {"server": cpu * factor * 1_000_000, "store": 1_000_000}
        contender.rounds.append(a_round(cpu_ns=cost, ack=pack([cpu * 1_000_000])))
    return contender


def test_rows_are_medians_and_merged_percentiles(tmp_path: Path) -> None:
    write(rows_of(three_rounds()), tmp_path / "rows.json")
    rows = orjson.loads((tmp_path / "rows.json").read_bytes())
    keys = {"scenario", "system", "figure", "value", "unit", "durability", "rounds"}
    assert all(set(row) == keys for row in rows)
    by_figure = {row["figure"]: row for row in rows}
    assert by_figure["server CPU per op"] == {
        "scenario": "dm",
        "system": "teller",
        "figure": "server CPU per op",
        "value": 2.0,
        "unit": "µs",
        "durability": "disk",
        "rounds": 3,
    }
    assert by_figure["operations"]["value"] == 500.0
    assert by_figure["ack p50"]["value"] == pytest.approx(2.0, rel=0.01)
    assert by_figure["ack max"]["value"] == pytest.approx(9.0, rel=0.01)


def test_a_void_round_does_not_count() -> None:
    contender = three_rounds()
    contender.rounds[2] = a_round(generator_cpu=0.99)
    rows = {row.figure: row for row in rows_of(contender)}
    assert rows["server CPU per op"].value == 1.5
    assert rows["server CPU per op"].rounds == 2


def test_a_ratio_is_taken_round_by_round() -> None:
    ours, theirs = three_rounds(), three_rounds("relay", factor=4)
    theirs.rounds[0] = a_round(generator_cpu=0.99)
    (row,) = ratio("cost", ours, theirs, lambda one: one.cpu_us("server"))
    assert (row.value, row.unit, row.rounds) == (0.25, "×", 2)
    assert ratio("cost", ours, theirs, lambda one: one.cpu_us("broker")) == []


def test_the_table_shows_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    rows = rows_of(three_rounds())
    show(rows, "a title")
    text = capsys.readouterr().out
    assert all(row.figure in text for row in rows)
