"""The command line, and one run of it against a real hub and its real store."""

from pathlib import Path

import pytest

from bench.cli import app
from bench.log import Log
from bench.peers import PEERS
from bench.report import Results, Row, read_results, write_results
from bench.scenarios import SCENARIOS
from bench.wanted import Wanted

SHORT = ["--rounds", "3", "--seconds", "0.2", "--warm-up", "0.05", "--window", "2"]


def run(*tokens: str) -> int:
    """The exit code of `teller bench` with these words."""
    code: int = app(list(tokens), result_action="return_value")
    return code


def test_run_writes_the_results_and_the_report_and_compares(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    room = ["run", "room", "--members", "6", *SHORT, "--peers", "relay"]
    assert run(*room, "--out", str(first)) == 0
    results = read_results(first / "results.json")
    assert {(row.scenario, row.system) for row in results.rows} == {
        ("room 6", "teller"),
        ("room 6", "relay"),
    }
    assert results.held
    assert not results.partial
    assert "<html" in (first / "report.html").read_text()
    assert "server CPU per copy" in capsys.readouterr().out
    again = ["--peers", "none", "--compare", str(first / "results.json")]
    assert run("run", "room", "--members", "6", *SHORT, *again, "--out", str(second)) == 0
    assert "Against the older run" in capsys.readouterr().out


def test_list_names_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") in (0, None)
    out = capsys.readouterr().out
    assert all(name in out for name in (*SCENARIOS, *PEERS, "fdatasync"))


@pytest.mark.parametrize(
    "words",
    [
        ["run", "nonsense"],
        ["run", "dm", "--peers", "nonsense"],
        ["run", "dm", "--quick", "--full"],
        ["run", "dm", "--rounds", "2"],
        ["run", "dm", "--connections", "3"],
        ["run", "room", "--members", "3", "--senders", "4"],
        ["run", "dm", "--half", "--rate", "100"],
        ["run", "idle", "--url", "ws://127.0.0.1:1/ws"],
        ["run", "dm", "--compare", "/nonexistent.json"],
        ["run", "dm", "--url", "http://127.0.0.1:1/", "--peers", "none"],
        ["run", "dm", "--url", "ws://127.0.0.1:1/ws", "--peers", "none"],
        ["setup", "nonsense"],
    ],
)
def test_what_cannot_be_done_is_said_in_words(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path)] if words[0] == "run" else []
    assert run(*words, *out) == 1
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert any(word in said.err for word in ("teller bench:", "skipped:"))


def results(held: bool = True, partial: bool = False, value: float = 1.0) -> Results:
    row = Row("room 100", "teller", "server CPU per copy ÷ uws", value, "×", "disk", 5)
    return Results({}, {}, [row], held=held, partial=partial)


@pytest.mark.parametrize(
    ("found", "failed", "code"),
    [
        (results(), [], 0),
        (results(held=False), [], 1),
        (results(), ["dm"], 1),
        (results(partial=True), [], 130),
    ],
)
def test_exit_codes_of_a_run(
    found: Results,
    failed: list[str],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def prepared(wanted: Wanted, voice: Log) -> tuple[Results, list[str]]:
        return found, failed

    monkeypatch.setattr("bench.suite.prepared", prepared)
    assert run("run", "--out", str(tmp_path)) == code
    assert read_results(tmp_path / "results.json").partial is found.partial


@pytest.mark.parametrize(("value", "code"), [(0.9, 0), (1.1, 1)])
def test_check_holds_the_figures_against_the_aims(
    value: float, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_results(results(value=value), tmp_path / "results.json")
    assert run("check", str(tmp_path / "results.json")) == code
    assert "not measured" in capsys.readouterr().out


def test_check_of_what_is_no_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.json").write_text("{")
    assert run("check", str(tmp_path / "broken.json")) == 2
    assert "teller bench:" in capsys.readouterr().err


def test_setup_without_names_lists_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TELLER_BENCH_HOME", str(tmp_path))
    assert run("setup") == 0
    said = capsys.readouterr().err
    assert "ws" in said
    assert list(tmp_path.iterdir()) == []
    assert run("setup", "relay") == 0
    assert "relay: ready" in capsys.readouterr().err
