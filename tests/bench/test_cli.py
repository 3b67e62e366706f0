"""The commands, against a real hub and its real store."""

from pathlib import Path

import orjson
import pytest

from bench import cli
from bench.cli import app
from bench.options import Load
from bench.scenarios import Outcome, books_balance

SHORT = ["--seconds", "0.2", "--warm-up", "0.05", "--window", "2"]


def run(*tokens: str) -> int:
    """The exit code of `teller bench` with these words."""
    code: int = app(list(tokens), result_action="return_value")
    return code


def figures(path: Path) -> dict[tuple[str, str, str], float]:
    rows = orjson.loads(path.read_bytes())
    return {(row["scenario"], row["system"], row["figure"]): row["value"] for row in rows}


def test_pay_beside_dm_and_the_stores_ceiling(tmp_path: Path) -> None:
    out = tmp_path / "rows.json"
    few = ["--connections", "8", "--codec", "msgpack", "--json", str(out)]
    assert run("pay", "--ceiling", *few, *SHORT) == 0
    found = figures(out)
    for scenario in ("pay", "dm"):
        assert found[scenario, "teller", "operations"] > 0
        assert found[scenario, "teller", "store CPU per op"] > 0
    assert found["pay", "store alone", "operations"] > 0
    assert found["pay", "teller", "server + store CPU, payment ÷ message"] > 0
    assert found["pay", "teller", "payments/s, teller ÷ store alone"] > 0


def test_room_beside_the_relay(tmp_path: Path) -> None:
    out = tmp_path / "rows.json"
    assert run("room", "--beside", "relay", "--members", "8", "--json", str(out), *SHORT) == 0
    found = figures(out)
    assert found["room", "teller", "server CPU, teller ÷ relay"] > 0
    for system in ("teller", "relay"):
        copies = found["room", system, "deliveries"] / found["room", system, "operations"]
        assert 5 < copies < 9  # seven, but for what is on its way at the window's ends


def test_idle_beside_the_relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.idle.SETTLE_SECONDS", 0.1)
    out = tmp_path / "rows.json"
    few = ["--connections", "200", "--seconds", "0.1", "--json", str(out)]
    assert run("idle", "--beside", "relay", *few) == 0
    found = figures(out)
    assert found["idle", "teller", "connections"] == 200
    assert found["idle", "relay", "server memory per connection"] > 0


@pytest.mark.parametrize(
    "words",
    [
        ["dm", "--connections", "3"],
        ["room", "--members", "3", "--senders", "4"],
        ["pay", "--beside", "relay"],
        ["pay", "--ceiling", "--rate", "100"],
    ],
)
def test_what_makes_no_sense_is_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        run(*words)
    assert exit.value.code not in (0, None)


@pytest.mark.parametrize(
    "words",
    [
        ["dm", "--rounds", "2"],
        ["dm", "--half", "--rate", "100"],
        ["dm", "--beside", "relay", "--codec", "msgpack"],
        ["dm", "--url", "http://127.0.0.1:1/"],
        ["dm", "--url", "ws://127.0.0.1:1/ws"],
    ],
)
def test_what_cannot_be_run_is_said(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 1
    assert "teller bench:" in capsys.readouterr().err


@pytest.mark.parametrize("held", [True, False])
def test_a_failed_gate_is_the_exit_code(held: bool) -> None:
    assert cli._run(Load(), 1, None, lambda _: Outcome([], held)) == (0 if held else 1)


@pytest.mark.parametrize(
    ("after", "balanced"),
    [
        ({"sum": 10, "least": 0}, True),
        ({"sum": 11, "least": 0}, False),
        ({"sum": 9, "least": 0}, False),
        ({"sum": 10, "least": -1}, False),
    ],
)
def test_money_made_lost_or_below_zero_is_seen(after: dict[str, int], balanced: bool) -> None:
    assert books_balance({"sum": 10, "least": 5}, after) is balanced
