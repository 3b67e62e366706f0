import random
from types import SimpleNamespace
from typing import Any

import pytest

from bench.load.histogram import pack
from bench.rounds import Contender, Round, interleave
from bench.systems import System

FINE: dict[str, Any] = {
    "seconds": 2.0,
    "sent": 1_000,
    "acked": 1_000,
    "delivered": 9_000,
    "generator_cpu": 0.5,
    "cpu_ns": {"server": 10_000_000, "store": 5_000_000},
    "ack": pack([1_000_000]),
    "delivery": pack([2_000_000]),
    "lag": pack([100_000]),
    "errors": [],
    "faults": {"lost": 0},
}


def a_round(open_loop: bool = True, **changed: Any) -> Round:
    return Round(**{**FINE, **changed}, open_loop=open_loop)


def a_contender(scenario: str = "dm", system: str = "teller", **changed: Any) -> Contender:
    """A contender whose generator answers the same each time."""
    generator: Any = SimpleNamespace(call=lambda **_: {**FINE, **changed})
    return Contender(scenario, System(system, "127.0.0.1", 1, "disk"), generator, {})


@pytest.mark.parametrize(
    ("changed", "void"),
    [
        ({}, False),
        ({"generator_cpu": 0.9}, True),
        ({"generator_cpu": 0.9, "open_loop": False}, False),
        ({"lag": pack([6_000_000])}, True),
        ({"lag": pack([6_000_000] + [1] * 1_000)}, False),
    ],
)
def test_a_strained_generator_voids_an_open_loop(changed: dict[str, Any], void: bool) -> None:
    one = a_round(**changed)
    assert one.void is void
    assert bool(one.strained) is (void or changed.get("generator_cpu") == 0.9)


def test_cost_is_cpu_per_operation_or_copy() -> None:
    one = a_round()
    assert one.cpu_us("server") == 10.0
    assert one.cpu_us("server", "store") == 15.0
    assert one.cpu_us("server", per="delivered") == pytest.approx(10 / 9)
    assert one.cpu_us("broker") is None
    assert a_round(acked=0).cpu_us("server") is None


@pytest.mark.parametrize(
    ("changed", "held", "said"),
    [
        ({}, True, []),
        ({"faults": {"lost": 2}}, False, ["WRONG: lost 2"]),
        ({"errors": ["busy"]}, False, ["WRONG: busy"]),
    ],
)
def test_the_gate_is_told_and_kept(changed: dict[str, Any], held: bool, said: list[str]) -> None:
    lines: list[str] = []
    plan = {"rate": None}
    assert interleave([a_contender(**changed)], plan, 1, print, lines.append) is held
    assert [line.partition("teller: ")[2] for line in lines] == said


def test_rounds_are_interleaved_in_random_order() -> None:
    random.seed(1)
    contenders = [a_contender(system=name) for name in "ab"]
    order: list[str] = []
    interleave(contenders, {"rate": 1.0}, 20, order.append, print)
    assert [len(c.rounds) for c in contenders] == [20, 20]
    for at in range(0, 40, 2):
        assert {order[at], order[at + 1]} == {"dm on a", "dm on b"}
    assert len({tuple(order[at : at + 2]) for at in range(0, 40, 2)}) == 2


def test_half_is_half_of_what_was_reached_and_an_open_loop() -> None:
    sent: list[dict[str, Any]] = []

    def call(**order: Any) -> dict[str, Any]:
        sent.append(order)
        return dict(FINE)

    generator: Any = SimpleNamespace(call=call)
    system = System("teller", "127.0.0.1", 1, "disk")
    whole = Contender("dm", system, generator, {"do": "pairs"})
    plan = {"rate": None, "depth": 4}
    assert not whole.play(plan).open_loop
    half = whole.at_half()
    assert half.play(plan).open_loop
    assert (half.scenario, sent[0]["rate"], sent[1]["rate"]) == ("dm at half", None, 250.0)
    assert sent[1]["do"] == "pairs"
