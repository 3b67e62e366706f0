import pytest

from .conftest import Play, figures


def test_idle_beside_the_relay(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.scenarios.idle.SETTLE_SECONDS", 0.1)
    monkeypatch.setattr("bench.scenarios.idle.PER_HUB_MAX", 60)
    found = figures(play("idle", ["relay"]))
    for system in ("teller", "relay"):
        assert found["idle 50", system, "connections"].value == 50
        assert ("idle 50", system, "kernel memory per connection") in found
        assert found["idle 50", system, "server CPU per 10,000 connections"].value >= 0


def test_idle_over_several_hubs(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.scenarios.idle.SETTLE_SECONDS", 0.1)
    monkeypatch.setattr("bench.scenarios.idle.PER_HUB_MAX", 20)
    found = figures(play("idle", ["relay"]))
    assert found["idle 50", "teller", "connections"].value == 50
    assert not any(system == "relay" for _, system, _ in found)  # it is one process


def test_a_log_in_storm_beside_bare_upgrades(play: Play) -> None:
    outcome = play("connect", ["relay"])
    assert outcome.held
    found = figures(outcome)
    for system in ("teller", "bare", "relay"):
        assert found["connect", system, "connects"].value > 0
        assert found["connect", system, "connect p99"].value > 0
        assert found["connect", system, "server CPU per connect"].value > 0
    assert ("connect", "teller", "connects ÷ bare") in found


def test_all_drop_and_come_back(play: Play) -> None:
    outcome = play("resume")
    assert outcome.held
    found = figures(outcome)
    assert found["resume", "teller", "connections"].value == 30
    assert found["resume", "teller", "connects ÷ bare"].value > 0
