"""Clients of real hubs: what they measure, and what they survive."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.load.driver import Generator
from bench.world import faults
from bench.world.clients import clients
from bench.world.figures import Samples
from bench.world.hubs import Hub
from bench.world.line import line as a_line
from bench.world.planet import planet
from bench.world.stand import World
from tests.bench.contenders import Notes

DELAY = 0.05
DRAIN_SECONDS = 20
LOSS_SECONDS = 3.0
"""For more than half of it they send: by then the hub is gone, on a busy machine, too."""

pytestmark = pytest.mark.xdist_group("clients")  # they share a hub


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    for stretch in ("LEAD_SECONDS", "AFTER_SECONDS"):
        monkeypatch.setattr(faults, stretch, 0.3)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with Hub("FRA", tmp_path_factory.mktemp("FRA"), "disk") as one:
        yield one


@pytest.fixture
def far(hub: Hub) -> Iterator[tuple[Generator, int]]:
    """A line from IAD to the hub, and the port to dial there."""
    weather = {"delay": DELAY}
    told = {"source": "IAD", "dest": "FRA", "host": "127.0.0.1", "port": hub.port}
    with a_line() as line:
        opened = line.call("open", links=[{**told, "there": weather, "back": weather}])
        yield line, opened["ports"]["IAD>FRA"]


def test_a_planted_delay_shows_in_every_figure(hub: Hub, far: tuple[Generator, int]) -> None:
    afar = f"ws://127.0.0.1:{far[1]}/ws"
    with clients() as people:
        people.call("enter", regions={"FRA": (hub.url, None), "IAD": (afar, None)}, each=2)
        before = people.call("balances")
        people.call("begin", pairs=[("FRA", "IAD"), ("IAD", "FRA")], rate=20, seconds=0.5)
        window = people.call("finish", drain=DRAIN_SECONDS)
        assert window["faults"] == {}
        assert window["sent"] == 20
        there, back = window["samples"]["FRA>IAD"], window["samples"]["IAD>FRA"]
        assert min(there["delivery"] + there["credit"]) >= DELAY
        assert min(back["delivery"] + back["credit"]) >= DELAY
        assert min(back["ack"] + back["payment ack"]) >= 2 * DELAY
        assert people.call("balances") == before


def test_a_lost_hub_comes_back_with_everything(hub: Hub, far: tuple[Generator, int]) -> None:
    """The hub of both regions, so that its own clients have to send again."""
    with clients() as people:
        people.call("enter", regions={"FRA": (hub.url, None), "IAD": (hub.url, None)}, each=2)
        both = World(planet(), {"FRA": hub, "IAD": hub}, far[0], people)
        samples, notes = Samples(both.planet, "disk"), Notes()
        outcome = faults.loss(notes, both, samples, LOSS_SECONDS, 20.0)
        assert outcome.held, notes.said
        found = {row.figure: row.value for row in outcome.rows}
        assert found[faults.UNANSWERED] > 0  # there was nobody to answer
        assert found["seconds to drain"] >= 0
        assert found["seconds to drain ÷ loss"] == found["seconds to drain"] / LOSS_SECONDS


@pytest.mark.parametrize(
    ("after", "held"),
    [
        ({"sum": 90, "least": 0, "in_transit": 10}, True),
        ({"sum": 90, "least": 0, "in_transit": 0}, False),
        ({"sum": 110, "least": 0, "in_transit": 0}, False),
        ({"sum": 100, "least": -1, "in_transit": 0}, False),
    ],
)
def test_money_lost_or_made_fails_the_gate(after: dict[str, int], held: bool) -> None:
    notes = Notes()
    before = {"sum": 100, "least": 10, "in_transit": 0}
    assert faults.books(notes, before, after, "in the end").held is held
    assert (notes.said == []) is held


def test_a_fault_fails_the_gate_and_is_told() -> None:
    notes = Notes()
    assert faults.told(notes, {"faults": {}, "errors": []}, "now")
    assert not faults.told(notes, {"faults": {"lost": 2}, "errors": []}, "now")
    assert "lost" in notes.said[0]
