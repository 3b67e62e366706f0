"""The store comes back in another state than it was: clients must not mix the two."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

import pytest
from websockets.exceptions import ConnectionClosed

from server.store.endpoint import StoreError
from tests.support import PATIENCE_S, Hub


async def test_a_store_that_lost_its_memory_sends_everyone_to_come_in_anew(
    make_hub: Callable[..., Awaitable[Hub]],
) -> None:
    hub = await make_hub(durability="memory")
    alice = await hub.register("alice")
    assert (await alice.ask("message", to="@alice", text="note"))["durable"] == "memory"
    before = hub.app.services.epoch_of(0)
    await asyncio.sleep(1.1)  # an epoch is a second of the clock
    assert hub.app.embedded is not None
    assert hub.app.embedded.pid is not None
    os.kill(hub.app.embedded.pid, signal.SIGKILL)
    goodbye = await alice.until(lambda frame: frame["type"] == "goodbye")
    assert goodbye["reason"] == "the store was restored"
    with pytest.raises(ConnectionClosed) as closed:
        await alice.receive()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4005
    assert hub.app.services.epoch_of(0) > before
    again = await hub.register("alice")
    assert again.welcome["boxes"]["@alice"]["epoch"] > before


async def test_a_store_that_kept_everything_lets_them_stay(hub: Hub) -> None:
    alice = await hub.register("alice")
    before = hub.app.services.epoch_of(0)
    assert hub.app.embedded is not None
    assert hub.app.embedded.pid is not None
    os.kill(hub.app.embedded.pid, signal.SIGKILL)
    answer = await alice.ask("message", id="m1", to="@alice", text="still here")
    async with asyncio.timeout(PATIENCE_S):
        while answer.get("retry") == "same_id":
            await asyncio.sleep(0.05)
            answer = await alice.ask("message", id="m1", to="@alice", text="still here")
    assert (answer["type"], answer["seq"]) == ("ack", 2)
    assert hub.app.services.epoch_of(0) == before


async def test_a_store_of_another_layout_is_refused(hub: Hub) -> None:
    await hub.store("HSET", "{p0}meta", "schema", 99)
    data = hub.data
    await hub.app.stop()
    with pytest.raises(StoreError, match="layout"):
        await Hub.start(data)


async def test_the_number_of_partitions_never_changes(hub: Hub) -> None:
    data = hub.data
    await hub.app.stop()
    with pytest.raises(StoreError, match="has 1 partitions, not 3"):
        await Hub.start(data, partitions=3)
