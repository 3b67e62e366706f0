from __future__ import annotations

import pytest

from bench.options import Load
from bench.scenarios.crossing import PARTITIONS, people
from server.ledger.keys import Keyspace

from .conftest import TINY, Play, figures


def test_workers(play: Play) -> None:
    outcome = play("workers")
    assert outcome.held
    found = figures(outcome)
    for name in ("workers 1", "workers 2", "workers 2 together"):
        assert found[name, "teller", "server CPU per op"].value > 0
        assert found[name, "teller", "store CPU per op"].value > 0
    for name in ("workers 2", "workers 2 together"):
        assert (name, "teller", "system CPU per op ÷ 1 worker") in found
    for name in ("workers 1 room", "workers 2 room"):
        assert found[name, "teller", "deliveries"].value > 0
    assert ("workers 2 room", "teller", "system CPU per copy ÷ 1 worker") in found


def test_primaries(play: Play) -> None:
    outcome = play("primaries")
    assert outcome.held
    found = figures(outcome)
    for name in ("primaries none", "primaries 1", "primaries 2"):
        assert found[name, "teller", "store CPU per op"].value > 0
    assert ("primaries 1", "teller", "system CPU per op ÷ one partition") in found
    assert ("primaries 2", "teller", "system CPU per op ÷ 1 primary") in found


def test_relay(play: Play) -> None:
    outcome = play("relay")
    assert outcome.held
    found = figures(outcome)

    def published(name: str) -> float:
        return found[f"relay {name}", "teller", "publications per message"].value

    assert published("apart") > 0.1  # several may go in one, but no more than are in flight
    for name in ("together", "beside", "alone"):
        # Nothing but what each hub says once a second, whatever the load: a few in all.
        operations = found[f"relay {name}", "teller", "operations"].value * TINY.seconds
        assert published(name) * operations < 10
    assert ("relay apart", "teller", "system CPU per op − together") in found
    assert ("relay apart calm", "teller", "delivery p50 − together") in found
    assert ("relay beside", "teller", "system CPU per op ÷ alone") in found


def test_crossing(play: Play) -> None:
    outcome = play("crossing")
    assert outcome.held
    found = figures(outcome)
    for name in ("crossing", "crossing at half"):
        assert found[name, "teller", "settled p99"].value > 0
    # What is done in the end cannot be done before it was begun, nor before the ack; where the
    # generator had to stand still it may read both at once.
    settled = found["crossing at half", "teller", "settled p50"].value
    assert settled >= found["crossing at half", "teller", "ack p50"].value
    assert ("crossing within at half", "teller", "settled p50") not in found
    assert ("crossing", "teller", "system CPU per op ÷ within") in found


def test_at_a_rate_crossing_has_no_half(play: Play) -> None:
    found = figures(play("crossing", load=Load(rate=200.0)))
    assert found["crossing", "teller", "settled p99"].value > 0
    assert {scenario for scenario, _, _ in found} == {"crossing", "crossing within"}


@pytest.mark.parametrize("apart", [True, False])
def test_pairs_are_where_they_shall_be(apart: bool) -> None:
    keyspace = Keyspace(PARTITIONS)
    names = people(keyspace, 40, apart)
    assert len(set(names)) == 80
    homes = [keyspace.partition_of(f"@{name}") for name in names]
    pairs = list(zip(homes[::2], homes[1::2], strict=True))
    assert all((one != other) is apart for one, other in pairs)
    assert len(set(homes)) > PARTITIONS / 2
