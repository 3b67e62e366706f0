import pytest

from bench.options import Load
from bench.outcome import books_balance
from tests.bench.contenders import Notes

from .conftest import Play, figures


def test_pay_beside_messages_and_the_bare_store(play: Play) -> None:
    outcome = play("pay")
    assert outcome.held
    found = figures(outcome)
    for spread in ("pay uniform", "pay zipf", "pay hot"):
        assert found[spread, "teller", "operations"].value > 0
        assert found[spread, "teller", "store CPU per op"].value > 0
    assert found["pay uniform", "store", "operations"].value > 0
    assert ("pay uniform", "teller", "operations ÷ store") in found
    assert ("pay uniform", "teller", "system CPU per op ÷ dm") in found
    assert ("pay hot", "teller", "operations ÷ uniform") in found


def test_at_a_rate_the_store_has_no_ceiling(play: Play) -> None:
    outcome = play("pay", load=Load(rate=300.0))
    assert {row.system for row in outcome.rows} == {"teller"}


def test_mix(play: Play) -> None:
    outcome = play("mix")
    assert outcome.held
    found = figures(outcome)
    assert found["mix", "teller", "payment ack p99"].value > 0
    assert found["mix", "teller", "payment ack p99 ÷ alone"].value > 0
    alone = found["mix alone", "teller", "operations"].value
    assert found["mix", "teller", "operations"].value > 5 * alone


def test_what_the_audit_finds_fails_the_gate(
    play: Play, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.systems.audit", lambda _: "a cent too many")
    assert not play("mix").held
    assert "WRONG: a cent too many" in notes.said


@pytest.mark.parametrize(
    ("after", "balanced"),
    [
        ({"sum": 10, "least": 0}, True),
        ({"sum": 11, "least": 0}, False),
        ({"sum": 9, "least": 0}, False),
        ({"sum": 10, "least": -1}, False),
    ],
)
def test_money_made_lost_or_below_zero_is_seen(after: dict[str, int], balanced: bool) -> None:
    assert books_balance({"sum": 10, "least": 5}, after) is balanced
