"""Who serves a slot, out of what the nodes of a cluster say."""

from __future__ import annotations

import pytest

from server.store.connection import Listener, Refused, dial
from server.store.endpoint import Endpoint
from server.store.topology import Claim, View, look, redirection
from tests.cluster import SharedCluster

from .conftest import PlainServer
from .posters import assert_whole, town

ASKED = Endpoint("10.0.0.1", 7000, tls=True, password="pw")
HERE, THERE = ASKED.at("10.0.0.2", 7001), ASKED.at("10.0.0.3", 7002)


def test_the_later_claim_counts_whoever_tells_it() -> None:
    stale = View([Claim(0, 100, 3, HERE), Claim(101, 200, 4, THERE)], {HERE, THERE})
    fresh = View([Claim(50, 50, 7, THERE)], {THERE})
    for views in ((stale, fresh), (fresh, stale)):
        whole = View.merged(views)
        assert [whole.primary_of(slot) for slot in (0, 50, 51, 101, 201)] == [
            HERE,
            THERE,
            HERE,
            THERE,
            None,
        ]
        assert whole.primaries() == [HERE, THERE]
        assert whole.nodes == {HERE, THERE}


@pytest.mark.parametrize(
    ("text", "slot", "host", "port"),
    [
        ("MOVED 3999 10.0.0.7:6381", 3999, "10.0.0.7", 6381),
        ("ASK 0 2001:db8::7:6381", 0, "2001:db8::7", 6381),
        ("MOVED 1 node-7.example:6381", 1, "node-7.example", 6381),
        ("MOVED 1 :6381", 1, "10.0.0.1", 6381),
        ("MOVED 1 ?:6381", 1, "10.0.0.1", 6381),
    ],
)
def test_redirections(text: str, slot: int, host: str, port: int) -> None:
    to = Endpoint(host, port, tls=True, password="pw")
    assert redirection(Refused(text), ASKED) == (slot, to)


async def test_a_node_alone_does_not_know_its_address(plain_server: PlainServer) -> None:
    asked = await plain_server("--cluster-enabled", "yes")
    wire = await dial(asked, Listener())
    await wire.request("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
    view = await look(wire)
    wire.abort()
    assert view.primary_of(0) == asked.at(asked.host, 0)


@pytest.mark.parametrize(
    ("settings", "host"),
    [
        ({"cluster-preferred-endpoint-type": "unknown-endpoint"}, "localhost"),
        ({"cluster-preferred-endpoint-type": "hostname"}, "127.0.0.1"),
        (
            {
                "cluster-preferred-endpoint-type": "hostname",
                "cluster-announce-hostname": "localhost",
            },
            "localhost",
        ),
    ],
    ids=["unknown endpoint", "no hostname", "hostname"],
)
async def test_nodes_tell_their_addresses_in_several_ways(
    cluster: SharedCluster, settings: dict[str, str], host: str
) -> None:
    usual = {"cluster-preferred-endpoint-type": "ip", "cluster-announce-hostname": ""}
    words = [word for pair in settings.items() for word in pair]
    for node in cluster.nodes:
        await cluster.run(node.ask("CONFIG", "SET", *words))
    try:
        async with town(f"redis://localhost:{cluster.nodes[0].port}") as one:
            one.post()
            await one.progress()
            await cluster.run(cluster.local.migrate([(0, 100)], (await cluster.primaries())[1]))
            await cluster.run(
                cluster.local.migrate([(one.slots[0],) * 2], (await cluster.primaries())[2])
            )
            await one.progress()
            await one.stop_posting()
            await assert_whole(one)
            assert host in {link.endpoint.host for link in one.stores.links()}
            assert len(one.stores.links()) == 3
    finally:
        for node in cluster.nodes:
            await cluster.run(
                node.ask("CONFIG", "SET", *(word for pair in usual.items() for word in pair))
            )
