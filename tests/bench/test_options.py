import pytest

from bench.errors import BenchError
from bench.options import DEFAULT, FULL, QUICK, Load


def test_what_is_not_said_is_the_presets() -> None:
    assert Load().sizes(QUICK) == QUICK
    assert Load().sizes(FULL).rounds >= 5


def test_what_is_said_replaces_it() -> None:
    sizes = Load(rounds=4, seconds=0.5, members=7, connections=20, half=True).sizes(DEFAULT)
    assert (sizes.rounds, sizes.seconds, sizes.rooms, sizes.connections) == (4, 0.5, (7,), 20)
    assert (sizes.idle, sizes.storm, sizes.returning) == ((20,), 20, 20)
    assert sizes.half == {"dm", "room", "pay"}
    assert Load(half=False).sizes(FULL).half == frozenset()


@pytest.mark.parametrize(
    "load",
    [
        Load(rounds=2),
        Load(half=True, rate=100.0),
        Load(connections=3),
        Load(connections=0),
        Load(members=3, senders=4),
        Load(members=1, senders=1),
        Load(senders=0),
        Load(seconds=0.0),
        Load(rate=0.0),
        Load(url="ws://127.0.0.1:1/ws", data="."),
    ],
)
def test_what_makes_no_sense_is_said(load: Load) -> None:
    with pytest.raises(BenchError):
        load.sizes(DEFAULT)


def test_the_full_run_is_what_the_aims_ask_for() -> None:
    assert FULL.rounds >= 5
    assert {10, 100, 1_000, 10_000} <= set(FULL.rooms)
    assert {2_000, 15_000, 50_000} <= set(FULL.idle)
    assert FULL.returning >= 10_000
    assert FULL.soak[0] * FULL.soak[1] >= 600


def test_the_windows_of_a_soak_are_its_rounds() -> None:
    assert Load(rounds=30, seconds=5.0).sizes(FULL).soak == (30, 5.0)
    assert Load(rounds=30).sizes(FULL).soak == (30, FULL.soak[1])
    assert Load(seconds=5.0).sizes(FULL).soak == (FULL.soak[0], 5.0)
    assert Load().sizes(FULL).soak == FULL.soak
