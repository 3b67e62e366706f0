"""The strawman, on real stores over a real line."""

from __future__ import annotations

from bench.world.planet import planet
from bench.world.stand import strawman

from .conftest import until

PAIRS = [("FRA", "DUB"), ("DUB", "FRA"), ("FRA", "FRA")]


def test_it_waits_for_the_round_trip_and_locks_during_a_cut() -> None:
    delay = planet().one_way("FRA", "DUB")
    with strawman(["FRA", "DUB"], "disk", None) as (payers, line):
        before = payers.call("balances")
        payers.call("begin", pairs=PAIRS, rate=20, seconds=0.5)
        window = payers.call("finish", drain=20)
        assert (window["sent"], window["aborted"], window["open"]) == (30, 0, 0)
        abroad = window["samples"]["FRA>DUB"]
        assert min(abroad["payment ack"]) >= 2 * delay
        assert min(abroad["credit"]) >= 3 * delay
        assert len(window["samples"]["FRA>FRA"]["credit"]) == 10

        line.call("cut", one="FRA", other="DUB")
        payers.call("begin", pairs=PAIRS, rate=20, seconds=0.2)
        until(lambda: _hang(8, payers.call("standing")))
        line.call("heal", one="FRA", other="DUB")
        assert payers.call("finish", drain=20)["open"] == 0
        assert payers.call("standing") == {"unanswered": 0, "locked": 0}
        assert payers.call("balances")["sum"] == before["sum"]


def _hang(number: int, standing: dict[str, int]) -> bool:
    """Whether just so many payers have no answer, and as many accounts are locked at least."""
    return standing["unanswered"] == number <= standing["locked"]
