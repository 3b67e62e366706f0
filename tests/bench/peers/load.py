"""A small load behind the gate, for peers that are run for real."""

from bench.load.driver import Generator
from bench.systems import System

MEMBERS = 6
PLAN = {"seconds": 0.8, "warm_up": 0.1, "depth": 4, "size": 20}
BIG = 65_536
"""Text of more bytes than a frame with a short header holds."""


def passes(system: System, echoes: bool = False) -> None:
    """One-to-one, before and after everyone came anew, and a room: nothing may be lost, doubled or
    reordered. `echoes`: the sender of a room message gets its own copy, too."""
    with Generator.of_clients(system.addresses, system.dialect) as generator:
        generator.call("enter", number=MEMBERS)
        _window(generator, system, "message", 1, to="pair")
        generator.call("drop")
        assert generator.call("resume", cursors=False)["connected"] == MEMBERS
        _window(generator, system, "message", 1, to="pair", size=BIG)
        generator.call("join")
        _window(generator, system, "room", MEMBERS - 1 + echoes, to="room", senders=2)


def _window(generator: Generator, system: System, kind: str, copies: int, **more: object) -> None:
    plan = {**PLAN, **more, "kinds": {kind: 1}, "pids": system.pids}
    result = generator.call("load", **plan)
    assert result["errors"] == []
    assert not any(result["faults"].values()), result["faults"]
    assert result["acked"] > 0
    assert result["delivered"] > copies
    assert result["cpu_ns"]["server"] > 0
