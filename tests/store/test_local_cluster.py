"""A real cluster on this machine: it forms, moves, fails over, and keeps what it acknowledged."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from server.commands.doctor import run_doctor
from server.store.binary import ENVIRONMENT_NAME
from server.store.client import redis_client
from server.store.cluster_migration import (
    DONE,
    GIVEN_UP,
    Migration,
    cancel,
    migrations,
    within,
)
from server.store.cluster_node import ClusterNode, Member, _member, free_ports
from server.store.cluster_shape import SLOTS, home_slots
from server.store.endpoint import StoreError
from server.store.local_cluster import LocalCluster, Shard
from tests.cluster import SharedCluster
from tests.support import until

KEY, SLOT = "{p0}", 15_882
"""A key, and the slot that it is in."""


async def put(node: ClusterNode, value: str) -> None:
    async with redis_client(node.endpoint) as client:
        assert await client.set(KEY, value)


async def get(node: ClusterNode) -> bytes | str | None:
    async with redis_client(node.endpoint) as client:
        return await client.get(KEY)


async def owner(cluster: SharedCluster) -> ClusterNode:
    return await cluster.run(cluster.local.owner(SLOT))


async def shards(cluster: SharedCluster) -> list[Shard]:
    return await cluster.run(cluster.local.shards())


async def test_three_primaries_share_the_slots_and_have_a_replica_each(
    cluster: SharedCluster,
) -> None:
    found = await shards(cluster)
    assert [shard.slots for shard in found] == [(home_slots(n, 3),) for n in range(3)]
    assert sum(last - first + 1 for shard in found for first, last in shard.slots) == SLOTS
    assert all(len(shard.replicas) == 1 for shard in found)
    assert len({node.pid for node in cluster.nodes}) == 6


async def test_every_node_keeps_money(cluster: SharedCluster) -> None:
    for node in cluster.nodes:
        settings = await cluster.run(node.ask("CONFIG", "GET", "*"))
        assert settings[b"appendonly"] == b"yes"
        assert settings[b"appendfsync"] == b"always"
        assert settings[b"maxmemory-policy"] == b"noeviction"
        assert settings[b"cluster-require-full-coverage"] == b"no"
        assert settings[b"bind"] == b"127.0.0.1"


async def test_a_write_reaches_the_replica_s_disk(cluster: SharedCluster) -> None:
    async with redis_client((await owner(cluster)).endpoint) as client:
        await client.set(KEY, "1")
        assert await client.execute_command("WAITAOF", 1, 1, 5000) == [1, 1]


async def test_a_killed_primary_is_replaced_and_comes_back_as_a_replica(
    cluster: SharedCluster,
) -> None:
    old = await owner(cluster)
    async with redis_client(old.endpoint) as client:
        await client.set(KEY, "kept")
        assert await client.execute_command("WAITAOF", 1, 1, 5000) == [1, 1]
    await cluster.run(old.kill())
    assert old.pid is None
    new = await cluster.run(cluster.local.taken_over(old))
    assert new is await owner(cluster)
    assert await get(new) == b"kept"
    assert old not in await cluster.primaries()
    await cluster.run(old.start())
    await cluster.run(cluster.local.ready())
    facts = await cluster.run(old.ask("INFO", "replication"))
    assert (facts["role"], facts["master_link_status"]) == ("slave", "up")
    assert [shard.replicas for shard in await shards(cluster) if shard.primary is new] == [(old,)]


async def test_others_go_on_while_a_partition_has_no_primary(cluster: SharedCluster) -> None:
    lost = (await shards(cluster))[0]
    for node in (lost.primary, *lost.replicas):
        await cluster.run(node.kill())
    survivor = await owner(cluster)
    assert survivor is not lost.primary
    members = await cluster.run(survivor.members())
    while "fail" not in members[lost.primary.id].flags:
        members = await cluster.run(survivor.members())
    await put(survivor, "still here")


async def test_a_paused_primary_loses_its_place_and_learns_of_it(cluster: SharedCluster) -> None:
    old = await owner(cluster)
    old.pause()
    new = await cluster.run(cluster.local.taken_over(old))
    old.resume()
    await cluster.run(cluster.local.ready())
    assert (await cluster.run(old.members()))[old.id].primary_id == new.id


async def test_what_is_down_is_named(cluster: SharedCluster) -> None:
    shard = (await shards(cluster))[0]
    replica = shard.replicas[0]
    await cluster.run(replica.kill())
    for work in (replica.kill, lambda: replica.ask("PING")):
        with pytest.raises(StoreError, match=f"node at {replica.address}"):
            await cluster.run(work())
    with pytest.raises(StoreError, match="no replica that runs"):
        await cluster.run(cluster.local.failover(shard.primary))


async def test_a_paused_server_ends_in_order(cluster: SharedCluster) -> None:
    node = cluster.nodes[0]
    node.pause()
    with capture_logs() as logs:
        await cluster.run(node.stop())
    assert not [entry for entry in logs if "killing it" in entry["event"]]
    assert node.pid is None


async def test_an_orderly_failover_loses_nothing(cluster: SharedCluster) -> None:
    old = await owner(cluster)
    await put(old, "kept")
    new = await cluster.run(cluster.local.failover(old))
    assert new is not old
    assert await get(new) == b"kept"


async def test_slots_move_under_their_keys(cluster: SharedCluster) -> None:
    source = await owner(cluster)
    target = next(node for node in await cluster.primaries() if node is not source)
    await put(source, "kept")
    steps: list[Migration] = []
    await cluster.run(cluster.local.migrate([(SLOT, SLOT)], target, steps.append))
    assert await owner(cluster) is target
    assert await get(target) == b"kept"
    assert steps[-1].state == "success"
    assert (steps[-1].source, steps[-1].target) == (source.id, target.id)
    await cluster.run(cluster.local.migrate([(SLOT, SLOT)], target, steps.append))  # already there
    await cluster.run(cluster.local.heal())
    assert await owner(cluster) is source


async def test_a_move_to_a_replica_is_refused(cluster: SharedCluster) -> None:
    shard = (await shards(cluster))[0]
    with pytest.raises(StoreError, match="can only be used on primary"):
        await cluster.run(cluster.local.migrate([(SLOT, SLOT)], shard.replicas[0]))


async def test_a_move_that_is_given_up_says_so(cluster: SharedCluster) -> None:
    source = await owner(cluster)
    target = next(node for node in await cluster.primaries() if node is not source)
    await put(source, "kept")
    target.pause()
    move = asyncio.ensure_future(cluster.run(cluster.local.migrate([(SLOT, SLOT)], target)))
    await until(lambda: _moves(cluster, source))
    await cluster.run(cancel(source))
    with pytest.raises(StoreError, match="moving slots 15882-15882"):
        await move
    target.resume()
    assert await get(source) == b"kept"


async def _moves(cluster: SharedCluster, node: ClusterNode) -> bool:
    found = await cluster.run(migrations(node))
    return any(one.state not in (DONE, *GIVEN_UP) for one in found)


async def test_a_server_that_crashes_is_started_again(cluster: SharedCluster) -> None:
    node = await owner(cluster)
    await put(node, "kept")
    pid, restarts = node.pid, node.restarts
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: node.restarts > restarts)
    await cluster.run(cluster.local.ready())
    assert node.pid not in (None, pid)
    assert await get(await owner(cluster)) == b"kept"


async def test_heal_mends_what_a_test_broke(cluster: SharedCluster) -> None:
    first, second, third = await shards(cluster)
    await cluster.run(cluster.local.migrate([(0, 9)], second.primary))
    await cluster.run(first.replicas[0].kill())
    third.replicas[0].pause()
    await cluster.run(cluster.local.heal())
    assert [shard.slots for shard in await shards(cluster)] == [
        (home_slots(n, 3),) for n in range(3)
    ]
    assert all(node.answers for node in cluster.nodes)


async def test_heal_gives_up_moves_on_their_way(cluster: SharedCluster) -> None:
    source = await owner(cluster)
    target = next(node for node in await cluster.primaries() if node is not source)
    await put(source, "much" * 10_000_000)
    before = [one.name for one in await cluster.run(migrations(source))]
    command = ("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", SLOT, SLOT, "NODE", target.id)
    await cluster.run(source.ask(*command))
    await cluster.run(cluster.local.heal())
    found = await cluster.run(migrations(source))
    assert [one.state for one in found if one.name not in before] == ["cancelled"]
    assert await owner(cluster) is source


async def test_flush_forgets_everything(cluster: SharedCluster) -> None:
    node = await owner(cluster)
    await put(node, "gone")
    library = "#!lua name=l\nserver.register_function('f', function() return 1 end)"
    await cluster.run(node.ask("FUNCTION", "LOAD", library))
    await cluster.run(cluster.local.flush())
    assert await get(node) is None
    assert await cluster.run(node.ask("FUNCTION", "LIST")) == []


async def test_a_whole_cluster_comes_back_on_other_ports(tmp_path: Path) -> None:
    async with LocalCluster(tmp_path, replicas=0, port=0, node_timeout_ms=1000) as local:
        first = {node.number: node.id for node in local.nodes}
        ports = [node.port for node in local.nodes]
        await put(await local.owner(SLOT), "kept")
        await local.migrate([(SLOT, SLOT)], local.nodes[2])
    assert all(node.pid is None for node in local.nodes)
    while (other := free_ports(3)) in range(ports[0] - 3, ports[0] + 4):
        pass
    async with LocalCluster(tmp_path, replicas=0, port=other, node_timeout_ms=1000) as local:
        assert {node.number: node.id for node in local.nodes} == first
        assert await local.owner(SLOT) is local.nodes[2]
        assert await get(local.nodes[2]) == b"kept"
        members = await local.nodes[0].ask("CLUSTER", "NODES")
        assert not any(f":{port}@".encode() in members for port in ports)


async def test_data_of_another_size_are_refused(tmp_path: Path) -> None:
    (tmp_path / "node-0").mkdir()
    with pytest.raises(StoreError, match="a cluster of 1 nodes, not of 6"):
        await LocalCluster(tmp_path, port=0).start()


async def test_a_port_in_use_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    first = free_ports(3)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first + 1))
        taken.listen()
        local = LocalCluster(tmp_path, replicas=0, port=first)
        with pytest.raises(StoreError, match="Address already in use"):
            await local.start()
    assert all(node.pid is None for node in local.nodes)


async def test_a_free_port_that_is_taken_at_last_is_exchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = free_ports(6)
    offers = [first, first + 3]
    monkeypatch.setattr("server.store.local_cluster.free_ports", lambda _: offers.pop(0))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first))
        taken.listen()
        async with LocalCluster(tmp_path, replicas=0, port=0, node_timeout_ms=1000) as local:
            assert [node.port for node in local.nodes] == [first + 3, first + 4, first + 5]


async def test_a_start_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    local = LocalCluster(tmp_path, replicas=0, port=0, node_timeout_ms=1000)
    start = asyncio.create_task(local.start())
    await until(lambda: local.nodes and all(node.pid for node in local.nodes))
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert all(node.pid is None for node in local.nodes)


async def test_two_clusters_cannot_share_a_directory(tmp_path: Path) -> None:
    async with LocalCluster(tmp_path, replicas=0, port=0, node_timeout_ms=1000):
        with pytest.raises(StoreError, match="is in use by process"):
            await LocalCluster(tmp_path, replicas=0, port=0).start()


async def test_a_missing_program_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT_NAME, "no-such-program")
    with pytest.raises(StoreError, match="no-such-program"):
        await LocalCluster(tmp_path, port=0).start()


async def test_the_command_runs_a_cluster_until_it_is_told_to_stop(tmp_path: Path) -> None:
    arguments = ("--data", tmp_path, "--port", str(free_ports(3)), "--replicas", "0")
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "cluster", *arguments, "--node-timeout-ms", "1000"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert command.stdout is not None
    said = (await asyncio.wait_for(command.stdout.readuntil(b"Ctrl-C"), 60)).decode()
    pids = [int(line.split("process ")[1].split()[0]) for line in said.splitlines()[2:5]]
    assert "slots 0-5460" in said
    assert "--store redis://127.0.0.1:" in said
    command.send_signal(signal.SIGINT)
    await asyncio.wait_for(command.stdout.readuntil(b"Stopped."), 30)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert await asyncio.wait_for(command.wait(), 30) == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"primaries": 2}, "at least 3 primaries"),
        ({"replicas": -1}, "no negative number"),
        ({"port": 55_531}, "ports above 65535"),
        ({"port": -1}, "ports above 65535"),
        ({"node_timeout_ms": 199}, "below 200 ms"),
    ],
)
def test_impossible_clusters_are_refused(
    settings: dict[str, int], words: str, tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match=words):
        LocalCluster(tmp_path, **settings)


def test_a_line_of_the_nodes_is_read() -> None:
    line = (
        "07c3 127.0.0.1:30004@31004,host slave,fail? e7d1 0 1426238317239 4 connected "
        "0-100 7 [93-<-292f]"
    )
    assert _member(line) == Member(
        id="07c3",
        primary_id="e7d1",
        flags=frozenset({"slave", "fail?"}),
        slots=((0, 100), (7, 7)),
    )
    assert not _member(line).trusted


def test_common_slots() -> None:
    assert within([(0, 10), (20, 30)], [(5, 25)]) == [(5, 10), (20, 25)]
    assert within([(0, 4)], [(5, 5)]) == []


async def test_the_doctor_looks_at_every_primary(cluster: SharedCluster) -> None:
    lost = (await shards(cluster))[0]

    async def doctor(code: int) -> list[str]:
        lines: list[str] = []
        assert await run_doctor(Path("unused"), cluster.url, lines.append) == code
        return lines

    lines = await doctor(0)
    assert sum(line.startswith("ok    store settings") for line in lines) == 3
    assert "ok    cluster: ok, 3 primaries, 16384 of 16384 slots served" in lines
    assert not [line for line in lines if "no replica" in line]
    await cluster.run(lost.replicas[0].kill())
    warning = f"warn  store at {lost.primary.endpoint}: has no replica"
    assert [line for line in await doctor(0) if line.startswith(warning)]
    await cluster.run(lost.primary.kill())
    assert [
        line
        for line in await doctor(1)
        if line.startswith(f"FAIL  store at {lost.primary.endpoint}")
    ]
    await until(lambda: _fails(doctor))


async def _fails(doctor: Callable[[int], Awaitable[list[str]]]) -> bool:
    return any(
        line.startswith("FAIL  cluster: ") and "10923 of 16384 slots served" in line
        for line in await doctor(1)
    )
