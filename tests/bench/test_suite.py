"""A run keeps what it found, whatever happens to the rest."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from bench import suite
from bench.errors import BenchError
from bench.log import Log
from bench.options import QUICK, Load
from bench.outcome import Outcome
from bench.peers import PEERS
from bench.report import Results, rows_of
from bench.scenarios import SCENARIOS, Scenario
from bench.stage import Stage
from bench.turns import interleave
from bench.wanted import Wanted, chosen_peers, chosen_scenarios

from .contenders import a_contender

pytestmark = pytest.mark.usefixtures("nothing_stolen")


@dataclass
class Heard:
    """A `bench.log.Voice`."""

    words: list[str] = field(default_factory=list)
    steps: int = 0

    def expect(self, steps: int) -> None:
        self.steps = steps

    def advance(self, name: str) -> None:
        self.words.append(name)

    def say(self, words: str) -> None:
        self.words.append(words)


def a_scenario(name: str, meanwhile: Callable[[Stage], None] = lambda _: None) -> Scenario:
    """Three rounds of a contender without a system; `meanwhile` happens in the second."""

    def run(stage: Stage) -> Outcome:
        contender = a_contender(name)
        drive = contender.drive

        def and_then(**plan: object) -> dict[str, object]:
            if len(contender.rounds) == 1:
                meanwhile(stage)
            return drive(**plan)

        contender.drive = and_then
        held = interleave([contender], {"rate": None}, 3, stage.watch)
        return Outcome(rows_of(contender), held)

    return Scenario(name, "for a test", lambda _: 3, run)


def played(*scenarios: Scenario) -> tuple[Results, Log]:
    log = Log(Heard())
    return suite.run(scenarios, Stage(Load(), QUICK, log, []), log), log


def rounds(results: Results, scenario: str) -> set[int]:
    return {row.rounds for row in results.rows if row.scenario == scenario}


def test_a_whole_run() -> None:
    results, log = played(a_scenario("one"), a_scenario("two"))
    assert rounds(results, "one") == rounds(results, "two") == {3}
    assert results.held
    assert not results.partial
    assert log.failed == []
    assert results.scenarios == {"one": "for a test", "two": "for a test"}
    assert "data" not in results.options


def interrupt(_: Stage) -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_lets_the_round_end_and_keeps_what_was_measured() -> None:
    results, _ = played(a_scenario("one"), a_scenario("two", interrupt), a_scenario("three"))
    assert results.partial
    assert rounds(results, "one") == {3}
    assert rounds(results, "two") == {2}
    assert rounds(results, "three") == set()


def test_ctrl_c_twice_ends_it_now_and_keeps_earlier_scenarios() -> None:
    def twice(stage: Stage) -> None:
        interrupt(stage)
        interrupt(stage)

    results, _ = played(a_scenario("one"), a_scenario("two", twice))
    assert results.partial
    assert rounds(results, "one") == {3}
    assert rounds(results, "two") == set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_endings_keep_earlier_scenarios_too(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    ends = a_scenario("two", lambda _: os.kill(os.getpid(), number))
    results, _ = played(a_scenario("one"), ends, a_scenario("three"))
    assert results.partial
    assert rounds(results, "one") == {3}
    assert rounds(results, "three") == set()
    assert signal.getsignal(number) is before


def test_a_scenario_that_cannot_be_run_does_not_end_the_run() -> None:
    def breaks(_: Stage) -> None:
        raise BenchError("the hub did not start")

    results, log = played(a_scenario("one", breaks), a_scenario("two"))
    assert rounds(results, "two") == {3}
    assert log.failed == ["one"]
    assert not results.held  # or an aim of it would pass as not measured
    assert results.skipped == {"one": "the hub did not start"}


def test_a_failed_gate_is_the_runs() -> None:
    def run(_: Stage) -> Outcome:
        return Outcome(held=False)

    results, _ = played(Scenario("one", "", lambda _: 0, run), a_scenario("two"))
    assert not results.held
    assert rounds(results, "two") == {3}


def test_scenarios_by_name_and_preset() -> None:
    assert [one.name for one in chosen_scenarios(["room", "dm"], QUICK)] == ["dm", "room"]
    every = [one.name for one in chosen_scenarios([], QUICK)]
    assert set(every) == SCENARIOS.keys() - QUICK.left_out
    assert "soak" in QUICK.left_out
    elsewhere = {one.name for one in chosen_scenarios([], QUICK, ours=False)}
    assert "dm" in elsewhere
    assert not elsewhere & {"idle", "slow", "durability"}


@pytest.mark.parametrize(("names", "ours"), [(["nonsense"], True), (["dm", "idle"], False)])
def test_scenarios_that_cannot_be_had(names: list[str], ours: bool) -> None:
    with pytest.raises(BenchError, match=names[-1]):
        chosen_scenarios(names, QUICK, ours)


def test_peers_that_are_not_installed_are_skipped_with_their_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TIGERBEETLE_BIN", raising=False)
    log = Log(Heard())
    assert chosen_peers(["relay", "tigerbeetle"], log) == [PEERS["relay"]]
    assert "TIGERBEETLE_BIN" in log.skipped["tigerbeetle"]
    with pytest.raises(BenchError, match="nonsense"):
        chosen_peers(["nonsense"], log)


@pytest.mark.parametrize(
    ("peers", "names"),
    [(None, list(PEERS)), ("all", list(PEERS)), ("none", []), ("ws, uws", ["ws", "uws"])],
)
def test_peers_by_word(peers: str | None, names: list[str]) -> None:
    assert Wanted(peers=peers).peer_names == names


def test_a_run_is_quick_or_full() -> None:
    with pytest.raises(BenchError):
        _ = Wanted(quick=True, full=True).preset
