"""Every relay under a small load for real, behind the gate. What is not installed is skipped."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.load.driver import Generator
from bench.load.histogram import merge
from bench.load.worker import JOIN_IN_TURN_MAX
from bench.peers import PEERS, home
from bench.systems import System

from .load import passes

RELAYS = ("bare", "relay", "ws", "uws", "socketio", "python-socketio", "channels")


@pytest.fixture(params=RELAYS)
def system(request: pytest.FixtureRequest) -> Iterator[System]:
    peer = PEERS[request.param]
    folder = home(peer.name)
    if reason := peer.missing(folder):
        pytest.skip(f"{peer.name}: {reason}")
    with peer.start(folder) as running:
        yield running


def test_a_relay_passes_on_what_it_gets(system: System) -> None:
    passes(system)


def test_only_some_relays_acknowledge(system: System) -> None:
    plan = {"seconds": 0.8, "warm_up": 0.0, "to": "pair", "kinds": {"message": 1}, "depth": 2}
    with Generator.of_clients(system.addresses, system.dialect) as generator:
        generator.call("enter", number=2)
        result = generator.call("load", **plan)
    deliveries, acks = (merge([result[which]]) for which in ("delivery", "ack"))
    assert deliveries.get_total_count() > 0
    assert (acks.get_total_count() > 0) == (system.dialect != "json-noack")


def test_everyone_stays_in_a_large_room() -> None:
    """Where rooms outlive connections, the generator fills large ones while nobody is there."""
    members = JOIN_IN_TURN_MAX + 1
    plan = {"seconds": 0.8, "warm_up": 0.0, "to": "room", "kinds": {"room": 1}, "senders": 1}
    with (
        PEERS["relay"].start(home("relay")) as system,
        Generator.of_clients(system.addresses, system.dialect) as generator,
    ):
        generator.call("enter", number=members)
        generator.call("join")
        result = generator.call("load", **plan)
    assert result["delivered"] >= members - 1
    assert not any(result["faults"].values()), result["faults"]


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not on the PATH")
def test_a_program_that_ends_at_once_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(BenchError, match=r"(?s)ws did not start.*Cannot find module 'ws'"),
        PEERS["ws"].start(tmp_path),
    ):
        pass
