from dataclasses import replace

import pytest

from bench.options import Load
from bench.scenarios import SCENARIOS, room
from bench.stage import Stage
from tests.bench.contenders import Notes

from .conftest import TINY, Play, figures


@pytest.mark.parametrize("codec", ["json", "msgpack"])
def test_dm_beside_the_relay_and_the_bare_transport(play: Play, codec: str) -> None:
    outcome = play("dm", ["relay", "bare"], Load(window=2, codec=codec))  # type: ignore[arg-type]
    assert outcome.held
    found = figures(outcome)
    for system, parts in (("teller", "server store"), ("relay", "server"), ("bare", "server")):
        assert found["dm", system, "operations"].value > 0
        for part in parts.split():
            assert found["dm", system, f"{part} CPU per op"].value > 0
    for other in ("relay", "bare"):
        for figure in ("operations", "server CPU per op", "system CPU per op"):
            assert found["dm", "teller", f"{figure} ÷ {other}"].unit == "×"
    assert found["dm", "teller", "operations"].durability == "disk"
    assert found["dm", "relay", "operations"].durability == "none"


def test_dm_at_a_rate_and_at_half(play: Play, notes: Notes) -> None:
    found = figures(play("dm", load=Load(rate=200.0)))
    assert ("dm", "teller", "generator lag p99") in found
    stage = Stage(Load(window=2), replace(TINY, half=frozenset({"dm"})), notes, [])
    found = figures(SCENARIOS["dm"].run(stage))
    assert found["dm at half", "teller", "ack p99"].value > 0


def test_rooms_of_several_sizes(play: Play) -> None:
    outcome = play("room", ["relay"])
    assert outcome.held
    found = figures(outcome)
    for members in (5, 8):
        name = f"room {members}"
        for system in ("teller", "relay"):
            operations = found[name, system, "operations"].value
            copies = found[name, system, "deliveries"].value / operations
            # Each has its copies, but for what is on its way at the window's ends.
            assert 0.7 * (members - 1) < copies < 1.4 * (members - 1)
            assert found[name, system, "server CPU per copy"].value > 0
        assert found[name, "teller", "spread p99"].value >= 0
        assert (name, "teller", "server CPU per copy ÷ relay") in found


def test_when_stopping_no_other_room_is_opened(notes: Notes) -> None:
    notes.stopping = True
    assert room.run(Stage(Load(), TINY, notes, [])).rows == []
    assert notes.begun == []


def test_durability(play: Play) -> None:
    outcome = play("durability")
    assert outcome.held
    found = figures(outcome)
    for kind in ("memory", "everysec", "disk"):
        assert found[f"durability {kind}", "teller", "operations"].durability == kind
    assert ("durability disk", "teller", "operations ÷ memory") in found


def test_payload(play: Play) -> None:
    outcome = play("payload")
    assert outcome.held
    found = figures(outcome)
    for size in TINY.payloads:
        assert found[f"payload {size}", "teller", "server CPU per op"].value > 0


def test_limits(play: Play) -> None:
    outcome = play("limits")
    assert outcome.held
    found = figures(outcome)
    for system in ("echo tcp", "echo websocket", "fdatasync 200", "fdatasync 65536"):
        assert found["limits", system, "operations"].value > 0
