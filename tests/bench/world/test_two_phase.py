"""The strawman, on real stores over a real line."""

from __future__ import annotations

import time

from bench.world.planet import planet
from bench.world.stand import strawman

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
        time.sleep(0.5)
        standing = payers.call("standing")
        assert standing["unanswered"] >= 8
        assert standing["locked"] >= 8
        line.call("heal", one="FRA", other="DUB")
        assert payers.call("finish", drain=20)["open"] == 0
        assert payers.call("standing") == {"unanswered": 0, "locked": 0}
        assert payers.call("balances")["sum"] == before["sum"]
