from typing import Any

import pytest

from bench import procfs
from bench.load.histogram import pack

from .contenders import FINE, a_contender, a_round, driven


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, ""),
        ({"generator_cpu": 0.9}, "generator CPU 90%"),
        ({"lag": pack([6_000_000])}, "generator lag p99 6.0 ms"),
        ({"lag": pack([6_000_000] + [1] * 1_000)}, ""),
        ({"lag": pack([6_000_000]), "open_loop": False}, ""),
        ({"lag": pack([6_000_000]), "lag_most_ms": 7.0}, ""),
        ({"lag": pack([8_000_000]), "lag_most_ms": 7.0}, "generator lag p99 8.0 ms"),
        ({"stolen": 0.2}, "20% of the time stolen by the hypervisor"),
        ({"stolen": 0.2, "open_loop": False}, "20% of the time stolen by the hypervisor"),
        ({"faults": {"lost": 1, "doubled": 0}}, "WRONG: lost 1"),
        ({"errors": ["busy"]}, "WRONG: busy"),
        ({"refused": 3}, "3 operations refused"),
        ({"refused": 3, "overload": True}, ""),
    ],
)
def test_why_a_round_is_void(changed: dict[str, Any], why: str) -> None:
    one = a_round(**changed)
    assert one.why_void == why
    assert one.void is bool(why)


def test_a_slow_generator_limits_a_closed_loop_but_its_cost_still_counts() -> None:
    one = a_round(open_loop=False, generator_cpu=0.9)
    assert one.limited
    assert not one.void
    assert not a_round(open_loop=False).limited
    assert not a_round(generator_cpu=0.9).limited  # an open loop is void instead


def test_stolen_time_can_be_excused_and_nothing_else() -> None:
    stolen, slow = a_round(stolen=0.5), a_round(stolen=0.5, generator_cpu=0.9)
    for one in (stolen, slow):
        one.excused = True
    assert not stolen.void
    assert slow.why_void == "generator CPU 90%"


def test_cost_is_cpu_per_operation_or_copy() -> None:
    one = a_round()
    assert one.cpu_us("server") == 10.0
    assert one.cpu_us("server", "store") == 15.0
    assert one.cpu_us("server", per="delivered") == pytest.approx(10 / 9)
    assert one.cpu_us("broker") is None
    assert a_round(acked=0).cpu_us("server") is None


def test_a_part_that_a_system_does_not_have_costs_nothing() -> None:
    peer = a_round(cpu_ns={"server": 10_000_000})
    assert peer.cpu_us("server", "store") == 10.0
    assert peer.cpu_us("store") is None


def test_an_order_changes_the_plan_and_half_is_half_of_what_was_reached() -> None:
    sent: list[dict[str, Any]] = []

    def drive(**plan: Any) -> dict[str, Any]:
        sent.append(plan)
        return dict(FINE)

    whole = driven(drive).with_order("dm", to="pair", depth=2)
    plan = {"rate": None, "depth": 4, "seconds": 2.0}
    whole.rounds.append(whole.play(plan))
    assert not whole.rounds[0].open_loop
    half = whole.at_half()
    assert half.play(plan).open_loop
    assert (half.scenario, half.rounds) == ("dm at half", [])
    assert sent[0] == {"rate": None, "depth": 2, "seconds": 2.0, "to": "pair", "pids": {}}
    assert sent[1] == {**sent[0], "rate": 250.0}


def test_stolen_time_is_read_around_the_round(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([(100, 1_000), (130, 1_100)])
    monkeypatch.setattr(procfs, "stolen", lambda: next(readings))
    assert a_contender().play({"rate": None}).stolen == 0.3


@pytest.mark.parametrize(
    ("faults", "corrupt"),
    [({"lost": 3, "unacknowledged": 3}, False), ({"doubled": 1}, True), ({"reordered": 1}, True)],
)
def test_what_must_never_come_is_told_from_what_may_be_late(
    faults: dict[str, int], corrupt: bool
) -> None:
    assert a_round(faults=faults).corrupt is corrupt


def test_a_part_may_have_several_processes() -> None:
    one = a_round(
        acked=1_000, cpu_ns={"server": 1_000_000, "server 2": 2_000_000, "store": 500_000}
    )
    assert one.cpu_us("server") == 3.0
    assert one.cpu_us("server", "store") == 3.5
