"""Everybody comes online at once, in miniature."""

from __future__ import annotations

from .conftest import Play, figures


def test_a_storm_of_people_beside_those_who_talk(play: Play) -> None:
    outcome = play("presence")
    assert outcome.held
    found = figures(outcome)
    assert found["presence", "teller", "came online"].value == 30
    assert found["presence", "teller", "friends known"].value == 20
    assert found["presence", "teller", "seconds until all knew"].value > 0
    assert found["presence", "teller", "seconds until all were"].value > 0
    for scenario in ("presence", "presence calm"):
        assert found[scenario, "teller", "ack p99"].value > 0
    assert found["presence", "teller", "ack p99 ÷ calm"].value > 0
