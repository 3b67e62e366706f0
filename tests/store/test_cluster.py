"""Partitions on a real cluster: posts go on, once and in order, whatever happens to its nodes."""

from __future__ import annotations

import asyncio

import pytest

from server.ledger.keys import slot_of
from server.store.cluster import ClusterStores
from server.store.connection import Wire
from server.store.discovery import ask_at, open_stores, primaries
from server.store.endpoint import StoreError, parse_url
from server.store.link import LinkEvents, StoreLink
from server.store.partition import Partition
from tests.cluster import SharedCluster
from tests.support import until

from .posters import PARTITIONS, Town, assert_ordered, assert_whole, town

HALF_A_CLUSTER = (0, 8191)


@pytest.mark.usefixtures("calm")
async def test_every_partition_is_served_where_it_lies(cluster: SharedCluster) -> None:
    async with town(cluster.url) as one:
        assert isinstance(one.stores, ClusterStores)
        assert one.stores.up
        assert one.stores.partitions == PARTITIONS
        one.post()
        await one.progress()
        await one.stop_posting()
        await assert_whole(one)
        ports = {link.endpoint.port for link in one.stores.links()}
        assert ports == {node.port for node in await cluster.primaries()}
        assert sorted(one.hub.ups) == list(range(PARTITIONS))
        assert all(poster.agains == [] for poster in one.posters)


@pytest.mark.usefixtures("calm")
async def test_slots_migrate_under_load(
    cluster: SharedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine's own migration, there and back; found out by what the old nodes answer."""
    monkeypatch.setattr("server.store.cluster.LOOK_EVERY_S", 1_000.0)
    first, second, _ = await cluster.primaries()
    async with town(cluster.url) as one:
        one.post()
        await one.progress()
        await cluster.run(cluster.local.migrate([HALF_A_CLUSTER], second))
        await one.progress()
        await cluster.run(cluster.local.migrate([(0, 5460)], first))
        await one.progress()
        await one.stop_posting()
        await assert_whole(one)
        moved = {code for poster in one.posters for code in poster.agains}
        assert moved == {"MOVED"}
        assert not any(poster.moved_while_up for poster in one.posters)


@pytest.mark.usefixtures("calm")
async def test_a_slot_is_moved_key_by_key(cluster: SharedCluster) -> None:
    """The older way: commands with several keys are refused for a while, single ones redirected."""
    source, target, _ = await cluster.primaries()
    async with town(cluster.url) as one:
        one.post(window=1)
        await one.progress()
        slot = one.slots[0]
        await cluster.run(target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id))
        await cluster.run(source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id))
        meta, poster = one.keyspace.meta(0), one.posters[0]
        for key in (meta, poster.log):
            await cluster.run(source.ask("MIGRATE", "127.0.0.1", target.port, key, 0, 5000))
        assert await one.stores.channel(0).request("HGET", meta, "epoch") == b"1"
        await until(lambda: "TRYAGAIN" in poster.agains)
        await cluster.run(source.ask("MIGRATE", "127.0.0.1", target.port, poster.marks, 0, 5000))
        await until(lambda: "ASK" in poster.agains)
        for node in (target, source):
            await cluster.run(node.ask("CLUSTER", "SETSLOT", slot, "NODE", target.id))
        await one.progress()
        await one.stop_posting()
        await assert_whole(one)
        assert one.port_of(0) == target.port


async def test_a_replica_takes_over_in_order(cluster: SharedCluster) -> None:
    node = (await cluster.primaries())[0]
    async with town(cluster.url) as one:
        one.post()
        await one.progress()
        await cluster.run(cluster.local.failover(node))
        await one.progress()
        await one.stop_posting()
        await assert_whole(one)


async def test_a_primary_is_killed(cluster: SharedCluster) -> None:
    node = (await cluster.primaries())[1]
    async with town(cluster.url) as one:
        one.post()
        await one.progress()
        elsewhere = [p for p in one.posters if one.port_of(p.partition) != node.port]
        await cluster.run(node.kill())
        before = [len(poster.seqs) for poster in elsewhere]
        await until(lambda: all(len(p.seqs) > n for p, n in zip(elsewhere, before, strict=True)))
        await one.progress()
        await one.stop_posting()
        await assert_ordered(one)
        assert any(poster.lost for poster in one.posters)


async def test_a_primary_stands_still_and_is_deposed(cluster: SharedCluster) -> None:
    """What it answers when it goes on is not believed: those writes are gone."""
    node = (await cluster.primaries())[2]
    async with town(cluster.url) as one:
        one.post()
        await one.progress()
        node.pause()
        await cluster.run(cluster.local.taken_over(node))
        node.resume()
        await one.progress()
        await one.stop_posting()
        await assert_whole(one)


@pytest.mark.usefixtures("calm")
async def test_seeds_of_which_only_one_answers(cluster: SharedCluster) -> None:
    taking_writes = await cluster.primaries()
    replica = next(node for node in cluster.nodes if node not in taking_writes)
    url = f"redis://127.0.0.1:1,127.0.0.1:{replica.port}"
    async with town(url) as one:
        assert one.stores.up
    found = await primaries(parse_url(url))
    assert {end.port for end in found} == {node.port for node in taking_writes}


@pytest.mark.usefixtures("calm")
async def test_all_nodes_are_entered_as_the_user_of_the_url(cluster: SharedCluster) -> None:
    for node in cluster.nodes:
        await cluster.run(node.ask("ACL", "SETUSER", "ann", "on", ">pw", "~*", "&*", "+@all"))
    try:
        async with town(cluster.url.replace("//", "//ann:pw@")) as one:
            names = [await link.request("ACL", "WHOAMI") for link in one.stores.links()]
            assert names == [b"ann"] * 3
    finally:
        for node in cluster.nodes:
            await cluster.run(node.ask("ACL", "DELUSER", "ann"))


async def test_one_command_by_slot(cluster: SharedCluster) -> None:
    endpoint = parse_url(cluster.url)
    for key in (b"a", b"b", b"c", b"d"):
        await ask_at(endpoint, slot_of(key), "SET", key, b"1")
        assert await ask_at(endpoint, slot_of(key), "GET", key) == b"1"
    with pytest.raises(StoreError, match="refuses 'NONSENSE'"):
        await ask_at(endpoint, 0, "NONSENSE")


@pytest.mark.usefixtures("calm")
async def test_subscriptions_follow_a_slot(
    cluster: SharedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, by the notice of the slot's old node: nothing is posted that would be refused."""
    monkeypatch.setattr("server.store.cluster.LOOK_EVERY_S", 1_000.0)
    _, target, _ = await cluster.primaries()
    async with town(cluster.url) as one:
        name = f"{one.keyspace.tag(0)}m:@ann".encode()
        channel = one.stores.channel(0)
        one.hub.subscribed[0] = (channel, [name])
        channel.subscribe([name])
        heard = await _publish(one, name, b"one")
        assert heard == 1
        slot = one.slots[0]
        await cluster.run(cluster.local.migrate([(slot, slot)], target))
        await until(lambda: one.hub.ups.count(0) == 2)
        assert one.hub.downs == [0]
        assert await _publish(one, name, b"two") == 1
        await until(lambda: len(one.hub.messages) == 2)
        assert one.hub.messages == [(name, b"one"), (name, b"two")]


async def _publish(one: Town, name: bytes, payload: bytes) -> object:
    return await one.stores.channel(0).request("SPUBLISH", name, payload)


async def test_a_start_without_one_shard_serves_the_others(
    cluster: SharedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.store.cluster.START_S", 0.5)
    lost = (await cluster.run(cluster.local.shards()))[0]
    nodes = (lost.primary, *lost.replicas)
    for node in nodes:
        await cluster.run(node.kill())
    async with town(cluster.url) as one:
        there = [p for p in range(PARTITIONS) if one.stores.channel(p).up]
        assert sorted(set(one.hub.ups)) == there
        assert 0 < len(there) < PARTITIONS
        for node in nodes:
            await cluster.run(node.start())
        await until(lambda: one.stores.up, 30.0)
        one.post()
        await one.progress()
        await one.stop_posting()
        await assert_whole(one)


async def test_a_node_that_is_not_fit_is_no_start(
    cluster: SharedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.store.cluster.UNFIT_S", 0.0)
    unfit = (await cluster.primary_endpoints())[1]
    one = Town(parse_url(cluster.url))

    async def check(wire: Wire) -> None:
        if wire.endpoint == unfit:
            raise StoreError("it evicts money")

    one.hub.prepare_node = check  # type: ignore[method-assign]
    stores = await open_stores(one.endpoint, one.slots, one.hub)
    with pytest.raises(StoreError, match="evicts money"):
        await stores.start()
    assert stores.links() == []


@pytest.mark.usefixtures("calm")
async def test_the_new_node_gets_nothing_before_the_old_one_has_answered(
    cluster: SharedCluster,
) -> None:
    first, second, _ = await cluster.primary_endpoints()
    async with town(cluster.url) as one:
        moved = Partition(0, one.hub, lambda: None, 0.0)
        here, there = StoreLink(first, LinkEvents()), StoreLink(second, LinkEvents())
        told: list[object] = []

        async def prepare(partition: int, wire: Wire) -> None:
            told.append(wire.endpoint)

        one.hub.prepare_partition = prepare  # type: ignore[method-assign]
        for link in (here, there):
            await link.start()
        moved.assign(here)
        await moved.enter()
        key = f"{one.keyspace.tag(0)}nothing"
        moved.send(("BLPOP", key, "0.2"), told.append)
        moved.assign(there)
        assert not moved.up
        await moved.enter()
        assert told == [first, None, second]
        for link in (here, there):
            await link.stop()


@pytest.mark.usefixtures("calm")
async def test_stores_that_stop_while_they_look_leave_nobody_behind(
    cluster: SharedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a node would have answered concerns nobody, and is no mistake in the log."""
    asked: list[Wire] = []

    async def never(wire: Wire) -> None:
        asked.append(wire)
        await asyncio.Event().wait()

    async with town(cluster.url) as one:
        assert isinstance(one.stores, ClusterStores)
        monkeypatch.setattr("server.store.cluster.look", never)
        one.stores.doubt()
        await until(lambda: bool(asked))
    await asyncio.sleep(0)
    left = [task for task in asyncio.all_tasks() if "_ask" in repr(task.get_coro())]
    assert left == []
