import random
from itertools import chain, repeat
from typing import Any

import pytest

from bench.errors import BenchError
from bench.turns import REPEATS_MAX, interleave

from .contenders import FINE, Notes, a_contender, driven

pytestmark = pytest.mark.usefixtures("nothing_stolen")

SLOW = {"generator_cpu": 0.9}
OPEN: dict[str, Any] = {"rate": 1.0}


def test_rounds_are_interleaved_in_random_order() -> None:
    random.seed(1)
    contenders, notes = [a_contender(system=name) for name in "ab"], Notes()
    assert interleave(contenders, OPEN, 20, notes)
    assert [len(c.rounds) for c in contenders] == [20, 20]
    order = notes.begun
    for at in range(0, 40, 2):
        assert {order[at], order[at + 1]} == {"dm on a", "dm on b"}
    assert len({tuple(order[at : at + 2]) for at in range(0, 40, 2)}) == 2


def test_a_slow_generator_voids_its_round_which_is_repeated() -> None:
    answers = iter([SLOW, {}])
    contender, notes = driven(lambda **_: {**FINE, **next(answers)}), Notes()
    assert interleave([contender], OPEN, 1, notes)
    assert [one.void for one in contender.rounds] == [False]
    assert notes.voids == ["round 1, dm on teller: generator CPU 90%"]


def test_a_round_that_stays_void_does_not_count_and_others_do() -> None:
    answers = chain([SLOW] * (1 + REPEATS_MAX), repeat({}))
    contender, notes = driven(lambda **_: {**FINE, **next(answers)}), Notes()
    assert interleave([contender], OPEN, 2, notes)
    assert [one.void for one in contender.rounds] == [True, False]
    assert len(contender.valid) == 1
    assert len(notes.voids) == 1 + REPEATS_MAX


def test_where_no_round_counts_it_is_said() -> None:
    contender, notes = a_contender(**SLOW), Notes()
    assert interleave([contender], OPEN, 1, notes)
    assert contender.valid == []
    assert notes.said == ["dm on teller: no round counts"]


def test_stolen_time_voids_unless_nothing_else_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(0, 10_000, 50))
    monkeypatch.setattr("bench.procfs.stolen", lambda: ((now := next(ticks)) // 2, now))
    contender, notes = a_contender(), Notes()
    assert interleave([contender], {"rate": None}, 1, notes)
    assert len(notes.voids) == 1 + REPEATS_MAX
    assert "stolen" in notes.voids[0]
    assert len(contender.valid) == 1
    assert notes.said == ["dm on teller: time was stolen in every round; they count all the same"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"faults": {"lost": 2}}, "WRONG: lost 2"), ({"errors": ["busy"]}, "WRONG: busy")],
)
def test_what_our_gate_finds_is_not_repeated_away(changed: dict[str, Any], said: str) -> None:
    answers = chain([changed], repeat({}))
    contender, notes = driven(lambda **_: {**FINE, **next(answers)}), Notes()
    assert interleave([contender], OPEN, 2, notes) is False
    assert notes.voids == [f"round 1, dm on teller: {said}"]
    assert [one.void for one in contender.rounds] == [True, False]


def test_a_peer_that_loses_something_has_void_rounds_and_ours_still_hold() -> None:
    losing = chain([{}], [{"faults": {"lost": 1}}] * (1 + REPEATS_MAX), repeat({}))
    ours, notes = a_contender(), Notes()
    peer = driven(lambda **_: {**FINE, **next(losing)}, system="nats")
    assert interleave([ours, peer], OPEN, 3, notes)
    assert len(ours.valid) == 3
    assert [one.void for one in peer.rounds] == [False, True, False]
    assert notes.voids == ["round 2, dm on nats: WRONG: lost 1"] * (1 + REPEATS_MAX)


def test_a_peer_that_does_nothing_right_is_left_out() -> None:
    ours, peer, notes = a_contender(), a_contender(system="nats", faults={"lost": 1}), Notes()
    assert interleave([ours, peer], OPEN, 3, notes)
    assert len(ours.valid) == 3
    assert (len(peer.rounds), peer.valid) == (1, [])
    assert notes.skipped == {"nats": "dm: WRONG each time: lost 1"}


def _ends(**_: Any) -> dict[str, Any]:
    raise BenchError("it ended")


def test_a_peer_that_breaks_is_left_out_from_then_on() -> None:
    ours, peer, notes = a_contender(), driven(_ends, system="ws"), Notes()
    assert interleave([ours, peer], OPEN, 3, notes)
    assert len(ours.rounds) == 3
    assert notes.begun.count("dm on ws") == 1
    assert notes.skipped == {"ws": "dm: it ended"}


def test_where_our_own_breaks_the_scenario_ends() -> None:
    with pytest.raises(BenchError, match="it ended"):
        interleave([driven(_ends)], OPEN, 1, Notes())


def test_when_stopping_no_other_round_begins_and_those_played_stand() -> None:
    notes = Notes()

    def drive(**_: Any) -> dict[str, Any]:
        notes.stopping = len(notes.begun) == 2
        return dict(FINE)

    contender = driven(drive)
    assert interleave([contender], OPEN, 9, notes)
    assert len(contender.valid) == 2


def test_a_generator_that_was_the_limit_is_told_once() -> None:
    contender, notes = a_contender(**SLOW), Notes()
    assert interleave([contender], {"rate": None}, 3, notes)
    assert len(contender.valid) == 3
    (said,) = notes.said
    assert "the generator was the limit in 3 of 3 rounds" in said


@pytest.mark.parametrize(("system", "held"), [("teller", False), ("peer", True)])
def test_our_own_refusals_fail_the_gate_and_a_peers_void_its_round(system: str, held: bool) -> None:
    contender, notes = a_contender(system=system, refused=3), Notes()
    assert interleave([contender], OPEN, 1, notes) is held
    assert contender.valid == []
    assert "3 operations refused" in notes.voids[0]


def test_refusals_under_overload_are_in_order() -> None:
    contender, notes = a_contender(refused=3), Notes()
    assert interleave([contender], {**OPEN, "overload": True}, 1, notes)
    assert len(contender.valid) == 1
