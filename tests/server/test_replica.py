"""Durability on a real cluster: what an ack promises holds when a primary is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from server.app import App
from server.config import Settings
from server.ledger.keys import Keyspace, slot_of
from server.store.cluster_node import ClusterNode
from server.store.endpoint import StoreError
from tests.cluster import SharedCluster
from tests.support import CHEAP, PASSWORD, Client, Hub, until

PARTITIONS = 4
KEYSPACE = Keyspace(PARTITIONS)
MakeHub = Callable[..., Awaitable[Hub]]
FINAL_S = 40.0
"""How long a client keeps asking for the outcome: over a failover."""
TRIES = 3
BALANCE = {"type": "balance", "id": "b"}


async def town(make_hub: MakeHub, cluster: SharedCluster, durability: str) -> tuple[Hub, Client]:
    hub = await make_hub(
        store=cluster.url, partitions=PARTITIONS, durability=durability, rate_limits=False
    )
    await newcomer(hub, "bob")
    return hub, await newcomer(hub, "alice")


async def newcomer(hub: Hub, handle: str) -> Client:
    """A new account; the replica may still be busy with what came before."""
    client = await hub.connect()
    frame = {"type": "register", "id": "r", "handle": handle, "password": PASSWORD}
    client.welcome = await final(client, frame)
    assert client.welcome["type"] == "welcome", client.welcome
    return client


async def home_of(cluster: SharedCluster, name: str) -> ClusterNode:
    """The primary of the partition where `name` lives."""
    slot = slot_of(KEYSPACE.of(name).record)
    return await cluster.run(cluster.local.owner(slot))


async def replicas_of(cluster: SharedCluster, primary: ClusterNode) -> list[ClusterNode]:
    shards = await cluster.run(cluster.local.shards())
    (shard,) = [shard for shard in shards if shard.primary is primary]
    return list(shard.replicas)


async def final(client: Client, frame: dict[str, Any]) -> dict[str, Any]:
    """The final answer to `frame`, asked for again by its id as often as it takes."""
    async with asyncio.timeout(FINAL_S):
        while True:
            await client.send(frame)
            while True:
                async with asyncio.timeout(FINAL_S):
                    answer = await client._next()
                if answer.get("id") == frame["id"] and "from" not in answer:
                    break
                client.pushed.append(answer)
            if answer.get("retry") != "same_id":
                return answer
            await asyncio.sleep(0.05)


def pay(id: str, **more: Any) -> dict[str, Any]:
    money = {"to": "@bob", "amount": 1, "currency": "USD"}
    return {"type": "payment", "id": id, **money, **more}


async def test_replica_is_told_only_where_a_replica_has_it(
    make_hub: MakeHub, cluster: SharedCluster
) -> None:
    _, alice = await town(make_hub, cluster, "replica")
    ack = await final(alice, pay("p1"))
    assert (ack["type"], ack["durable"]) == ("ack", "replica")
    # Else this would be what misses the replica first, and "p2" would be refused at once.
    await alice.until(lambda frame: (frame["type"], frame.get("id")) == ("settled", "p1"))
    (replica,) = await replicas_of(cluster, await home_of(cluster, "@alice"))
    replica.pause()
    try:
        await alice.send(pay("p2"))
        answer = await alice.answer("p2")
        assert (answer["code"], answer["retry"]) == ("outcome_unknown", "same_id")
        # Nobody waits again for what is not there; but on a busy machine the hub may have tried
        # again before it read this.
        codes: list[str] = []
        while codes[-1:] != ["not_durable"] and len(codes) < TRIES:
            await alice.send(pay("p3"))
            codes.append((await alice.answer("p3"))["code"])
        assert "not_durable" in codes
    finally:
        replica.resume()
    for id in ("p2", "p3"):
        ack = await final(alice, pay(id))
        assert (ack["type"], ack["durable"]) == ("ack", "replica")
    assert (await final(alice, BALANCE))["balances"]["USD"]["available"] == 9_997


@pytest.mark.usefixtures("calm")
async def test_a_payment_may_ask_for_a_replica_where_the_hub_does_not(
    make_hub: MakeHub, cluster: SharedCluster
) -> None:
    _, alice = await town(make_hub, cluster, "disk")
    assert (await final(alice, pay("p1")))["durable"] == "disk"
    assert (await final(alice, pay("p2", durable="replica")))["durable"] == "replica"
    replayed = await final(alice, pay("p1", durable="replica"))
    assert (replayed["replayed"], replayed["durable"]) == (True, "replica")


async def test_nothing_acked_as_replica_is_lost_with_its_primary(
    make_hub: MakeHub, cluster: SharedCluster
) -> None:
    hub, alice = await town(make_hub, cluster, "replica")
    primary = await home_of(cluster, "@alice")
    acked: list[str] = []

    async def spend() -> None:
        for n in range(400):
            answer = await final(alice, pay(f"p{n}"))
            assert answer["type"] == "ack", answer
            acked.append(answer["id"])

    spending = asyncio.create_task(spend())
    await until(lambda: len(acked) > 50 or spending.done())
    await cluster.run(primary.kill())
    await cluster.run(cluster.local.taken_over(primary))
    await cluster.run(primary.start())
    await spending
    assert len(acked) == 400
    sheet = await final(alice, BALANCE)
    assert sheet["balances"]["USD"]["available"] == 10_000 - 400
    ids: list[str] = []
    page: dict[str, Any] = {"more": True, "entries": []}
    while page["more"]:
        below = {"before": page["entries"][0]["seq"]} if page["entries"] else {}
        asked = {"type": "history", "id": "h", "box": "@alice", "limit": 200, **below}
        page = await final(alice, asked)
        ids = [one["id"] for one in page["entries"] if one["type"] == "payment"] + ids
    assert ids == acked
    assert hub.app.services.promise.least == "replica"


async def test_a_deposed_primary_that_wakes_up_acknowledges_nothing(
    make_hub: MakeHub, cluster: SharedCluster
) -> None:
    """It executes what lay in its socket and answers it as done; then it throws it away."""
    hub, alice = await town(make_hub, cluster, "disk")
    assert (await final(alice, pay("p1")))["type"] == "ack"
    primary = await home_of(cluster, "@alice")
    primary.pause()
    await alice.send(pay("p2"))
    await cluster.run(cluster.local.taken_over(primary))
    primary.resume()
    answer = await alice.answer("p2")
    again = await final(alice, pay("p2"))
    if answer["type"] == "ack":  # it knew of its successor in time, and the hub went there
        assert again["replayed"]
    else:
        assert answer["code"] == "outcome_unknown"
        assert again["type"] == "ack"
    assert (await final(alice, BALANCE))["balances"]["USD"]["available"] == 9_998
    await until(lambda: hub.app.services.stores.up)


@pytest.mark.usefixtures("calm")
async def test_posts_outlive_a_failover_without_a_word(
    make_hub: MakeHub, cluster: SharedCluster
) -> None:
    """A graceful one: everything is refused or moved, and nothing of it reaches the client."""
    _, alice = await town(make_hub, cluster, "disk")
    primary = await home_of(cluster, "@alice")
    await cluster.run(cluster.local.failover(primary))
    for n in range(20):
        assert (await alice.ask("message", id=f"m{n}", to="@alice", text="x"))["type"] == "ack"


async def test_a_store_without_a_replica_is_refused(tmp_path: Path, make_hub: MakeHub) -> None:
    hub = await make_hub()
    assert hub.app.embedded is not None
    store = str(hub.app.embedded.endpoint)
    keys = str(hub.data / "keys")
    other = tmp_path / "other"
    app = App(Settings(data=other, store=store, keys=keys, durability="replica", **CHEAP))
    with pytest.raises(StoreError, match="no replica is connected"):
        await app.start()
