"""The command, its files, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli import app
from bench.errors import BenchError
from bench.model.command import given, numbers
from bench.model.costs import REFERENCE, read_costs, write_costs
from bench.model.measure import STEPS
from bench.model.settings import HABITS, PRICES, read_habits, read_prices
from bench.model.taken import needed, taken, value
from bench.model.words import bits, count, dollars, many, octets
from bench.report import Results, Row, write_results

from .figures import costs, with_curve


def run(*words: str) -> int:
    """The exit code of `teller bench model` with these words."""
    code: int = app(["model", *words], result_action="return_value")
    return code


def row(scenario: str, figure: str, value: float, system: str = "teller") -> Row:
    return Row(scenario, system, figure, value, "µs", "disk", 3)


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    path = tmp_path / "costs.json"
    write_costs(with_curve(), path)
    return path


def test_it_prints_and_writes_all_of_it(
    measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run("--costs", str(measured), "--users", "1M,2.5G", "--out", str(out)) == 0
    told = capsys.readouterr().out
    for words in ("within 15%", "What breaks first", "Peak events", "per user", "2.5 G"):
        assert words in told
    found = json.loads((out / "model.json").read_text())
    assert [size["users"] for size in found["sizes"]] == [1e6, 2.5e9]
    assert found["sizes"][0]["fleet"]["hubs"]["processes"] >= 1
    assert found["sizes"][0]["bill"]["total"] > 0
    assert {"error", "holds", "fitted"} <= found["claims"][0].keys()
    assert "What breaks first" in (out / "model.html").read_text()


def test_it_comes_with_figures_that_were_measured() -> None:
    found = read_costs(REFERENCE)
    assert {point.share for point in found.points} == set(STEPS)
    assert found.machine["date"]


def test_a_run_of_the_bench_takes_the_place_of_older_figures(
    measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [row("room 1000", "server CPU per copy", 0.123), row("room 100", "x", 9.0)]
    write_results(Results({"date": "2026-02-03"}, {}, rows), tmp_path / "results.json")
    words = ["--costs", str(measured), "--results", str(tmp_path / "results.json"), "--hop", "1.75"]
    assert run(*words, "--users", "1M", "--out", str(tmp_path)) == 0
    told = capsys.readouterr().out
    assert "0.12 µs   results.json of 2026-02-03" in told
    assert "× 1.75   given on the command line" in told


@pytest.mark.parametrize(
    ("words", "because"),
    [
        (["--users", "many"], "no number of users"),
        (["--users", "0"], "no number of users"),
        (["--costs", "/nonexistent.json"], "--measure makes one"),
        (["--habits", "/nonexistent.toml"], "No such file"),
        (["--results", "/nonexistent.json"], "No such file"),
        (["--hop", "-1"], "below zero"),
    ],
)
def test_what_it_cannot_do_it_says(
    words: list[str], because: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--out", str(tmp_path), *words) == 1
    assert because in capsys.readouterr().err
    assert not (tmp_path / "model.json").exists()


def test_numbers_of_users() -> None:
    assert numbers("1M, 2.5G,300k,7") == [1e6, 2.5e9, 3e5, 7.0]


def test_costs_survive_their_file_and_nonsense_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "costs.json"
    write_costs(with_curve(), path)
    assert read_costs(path) == with_curve()
    path.write_text('{"machine": {}}')
    with pytest.raises(BenchError, match="holds no costs"):
        read_costs(path)


@pytest.mark.parametrize(
    ("old", "new", "because"),
    [
        ("messages_a_day = 50.0", "messages_a_day = -1.0", "below zero"),
        ("messages_a_day = 50.0", "messages_a_day = 'x'", "messages_a_day"),
        ("messages_a_day = 50.0", "messages_day = 50.0", "messages_day"),
        ("room_share = 0.3", "room_share = 1.5", "a share"),
        ("store_use = 0.4", "store_use = 0.0", "a share"),
        ("[people]", "[people", "teller"),
    ],
)
def test_habits_are_checked(old: str, new: str, because: str, tmp_path: Path) -> None:
    path = tmp_path / "teller.toml"
    text = HABITS.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(BenchError, match=because):
        read_habits(path)


def test_a_price_that_nobody_asked_for_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(PRICES.read_text() + "\nfree = 0\n")
    with pytest.raises(BenchError, match="free"):
        read_prices(path)


def test_the_largest_of_a_scenario_counts_and_only_ours() -> None:
    rows = [
        row("idle 2000", "memory", 2.0),
        row("idle 15000", "memory", 3.0),
        row("idle 50000", "memory", 9.0, system="ws"),
        row("idle at half", "memory", 7.0),
    ]
    assert value(rows, "idle", "memory") == 3.0
    assert value(rows, "idle", "other") is None
    assert value([row("idle half", "memory", 7.0)], "idle", "memory") is None
    with pytest.raises(BenchError, match="idle gave no 'other'"):
        needed(rows, "idle", "other")


def test_what_a_run_did_not_measure_stays() -> None:
    rows = [
        row("dm at half", "server CPU per op", 22.0),
        row("pay uniform at half", "server CPU per op", 33.0),
        row("idle 2000", "server memory per connection", 2.0),
        row("idle 2000", "server CPU per 10,000 connections", 1.0),
    ]
    found = taken(costs(), Results({"date": "today"}, {}, rows))
    assert (found.hub_message, found.hub_payment) == (22.0, 33.0)
    assert found.memory == replace(costs().memory, hub_connection=2_048.0)
    assert found.idle == pytest.approx(1e-6)
    assert found.connect == costs().connect
    assert set(found.sources) == {"hub_message", "hub_payment", "memory"}


def test_a_run_whose_gate_failed_gives_nothing() -> None:
    with pytest.raises(BenchError, match="gate"):
        taken(costs(), Results({}, {}, [], held=False))


def test_given_figures_name_where_they_are_from() -> None:
    found = given(costs(), hop=1.5, relay=None)
    assert (found.hop, found.relay) == (1.5, 10.0)
    assert found.sources == {"hop": "given on the command line"}


def test_numbers_in_words() -> None:
    assert (many(8e9), many(480_000), many(12)) == ("8 G", "480 k", "12")
    assert (octets(2_500), octets(4.46e15)) == ("2.5 kB", "4.46 PB")
    assert bits(125e6) == "1 Gbit/s"
    assert (count(12_345.6), count(1.234)) == ("12,346", "1.23")
    assert (dollars(1_234.5), dollars(0.5), dollars(0.025), dollars(0.000035), dollars(0)) == (
        "$1,234", "$0.50", "$0.0250", "$0.000035", "$0",
    )  # fmt: skip
