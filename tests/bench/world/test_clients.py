"""Clients of real hubs: what they measure, and what they survive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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

DRAIN_SECONDS = 20


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    for stretch in ("LEAD_SECONDS", "AFTER_SECONDS"):
        monkeypatch.setattr(faults, stretch, 0.3)


@contextmanager
def one_hub_for_two(home: Path) -> Iterator[tuple[World, Generator]]:
    """A world of two regions whose hubs are one and the same, so that they need no link."""
    with (
        Hub("FRA", home, "disk") as hub,
        a_line() as between,
        clients() as people,
    ):
        delay = {"delay": planet().one_way("FRA", "IAD")}
        told = {"source": "IAD", "dest": "FRA", "host": "127.0.0.1", "port": hub.port}
        between.call("open", links=[{**told, "there": delay, "back": delay}])
        yield World(planet(), {"FRA": hub, "IAD": hub}, between, people, True), people


def test_a_planted_delay_shows_in_every_figure(tmp_path: Path) -> None:
    delay = 0.05
    weather = {"delay": delay}
    with Hub("FRA", tmp_path, "disk") as hub, a_line() as far, clients() as people:
        link = {"source": "IAD", "dest": "FRA", "host": "127.0.0.1", "port": hub.port}
        port = far.call("open", links=[{**link, "there": weather, "back": weather}])["ports"]
        afar = f"ws://127.0.0.1:{port['IAD>FRA']}/ws"
        people.call("enter", regions={"FRA": (hub.url, None), "IAD": (afar, None)}, each=2)
        before = people.call("balances")
        people.call("begin", pairs=[("FRA", "IAD"), ("IAD", "FRA")], rate=20, seconds=0.5)
        window = people.call("finish", drain=DRAIN_SECONDS)
        assert window["faults"] == {}
        assert window["sent"] == 20
        there, back = window["samples"]["FRA>IAD"], window["samples"]["IAD>FRA"]
        assert min(there["delivery"] + there["credit"]) >= delay
        assert min(back["delivery"] + back["credit"]) >= delay
        assert min(back["ack"] + back["payment ack"]) >= 2 * delay
        assert people.call("balances") == before


def test_a_lost_hub_comes_back_with_everything(tmp_path: Path) -> None:
    with one_hub_for_two(tmp_path) as (world, people):
        url = world.hubs["FRA"].url
        people.call("enter", regions={"FRA": (url, None), "IAD": (url, None)}, each=2)
        samples, notes = Samples(world.planet, "disk"), Notes()
        outcome = faults.loss(notes, world, samples, 1.0, 20.0)
        assert outcome.held, notes.said
        found = {row.figure: row.value for row in outcome.rows}
        assert found[faults.UNANSWERED] > 0  # there was nobody to answer
        assert found["seconds to drain"] > 0
        assert found["seconds to drain ÷ loss"] == found["seconds to drain"]


def test_a_cut_that_hits_no_client_leaves_nothing_waiting(tmp_path: Path) -> None:
    with one_hub_for_two(tmp_path) as (world, people):
        url = world.hubs["FRA"].url
        people.call("enter", regions={"FRA": (url, None), "IAD": (url, None)}, each=2)
        notes = Notes()
        outcome = faults.cut(notes, world, Samples(world.planet, "disk"), 0.5, 20.0)
        assert outcome.held, notes.said
        found = {row.figure: row.value for row in outcome.rows}
        assert found[faults.UNANSWERED] == found["undelivered at the end"] == 0


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
