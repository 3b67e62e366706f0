"""The store's ceiling, on the store of a real hub: real posts, real refusals, no money made."""

from collections.abc import Iterator

import pytest

from bench import systems
from bench.errors import BenchError
from bench.limits import store
from bench.load.driver import Generator
from bench.systems import System

MIXES = (
    ("hot", {"payment": 1}),
    ("pair", {"message": 1}),
    ("zipf", {"message": 3, "payment": 1}),
)
WINDOW = {"seconds": 0.5, "warm_up": 0.1, "depth": 4, "size": 20}

pytestmark = pytest.mark.xdist_group("store limits")  # they share a hub


@pytest.fixture(scope="module")
def hub() -> Iterator[System]:
    with systems.hub("memory") as system:
        yield system


def test_payments_and_messages_go_through_and_the_sum_stays(hub: System) -> None:
    assert hub.store_socket is not None
    plan = {**WINDOW, "pids": {"store": hub.pids["store"]}}
    with (
        Generator.of_clients(hub.addresses, hub.dialect) as clients,
        store.client(hub.store_socket) as raw,
    ):
        names = clients.call("enter", number=4)["names"]
        before = clients.call("balances")
        for to, kinds in MIXES:
            result = raw.call("load", people=names, kinds=kinds, to=to, **plan)
            assert result["faults"] == {"refused": 0, "unacknowledged": 0}
            assert result["errors"] == []
            assert 0 < result["acked"] < result["sent"]  # the warm-up does not count
            assert result["cpu_ns"]["store"] > 0
            assert set(result["kinds"]) == set(kinds)
            assert all(one["acked"] > 0 for one in result["kinds"].values())
        after = clients.call("balances")
    assert after["sum"] == before["sum"]
    assert after["least"] < before["least"]  # it was real money


def test_posts_that_the_store_refuses_are_no_operations(hub: System) -> None:
    assert hub.store_socket is not None
    plan = {**WINDOW, "pids": {"store": hub.pids["store"]}}
    with store.client(hub.store_socket) as raw:
        result = raw.call("load", people=["nobody", "noone"], kinds={"payment": 1}, **plan)
    assert result["acked"] == 0
    assert result["faults"]["refused"] == result["sent"] > 0


def test_a_ceiling_has_no_rate(hub: System) -> None:
    assert hub.store_socket is not None
    plan = {**WINDOW, "pids": {"store": hub.pids["store"]}}
    with (
        store.client(hub.store_socket) as raw,
        pytest.raises(BenchError, match="closed loop"),
    ):
        raw.call("load", people=["a", "b"], kinds={"payment": 1}, rate=10, **plan)
