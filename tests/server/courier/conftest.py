"""Two real hubs on one real store of four partitions, and people whose partitions are known."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from server.ledger.audit import AuditReport, audit
from server.ledger.keys import Keyspace
from server.store.client import redis_client
from tests.support import Client, Hub, until

PARTITIONS = 4
KEYSPACE = Keyspace(PARTITIONS)
Frame = dict[str, Any]
MakeHub = Callable[..., Awaitable[Hub]]


def name_in(partition: int, stem: str = "p", prefix: str = "@") -> str:
    """A name of the partition."""
    number = 0
    while KEYSPACE.partition_of(f"{prefix}{stem}{number}") != partition:
        number += 1
    return f"{prefix}{stem}{number}"


ALICE, BOB = name_in(0, "alice"), name_in(1, "bob")
"""Who live in partitions 0 and 1."""


async def entry(client: Client, id: str, type: str | None = None) -> Frame:
    """The next entry of the post `id`."""
    return await client.until(
        lambda frame: (
            frame.get("id") == id and "from" in frame and type in (None, frame.get("type"))
        )
    )


async def balance(client: Client) -> int:
    sheet = await client.ask("balance")
    return int(sheet["balances"]["USD"]["available"])


class World:
    """Two hubs on one store."""

    def __init__(self, first: Hub, second: Hub) -> None:
        self.first, self.second = first, second

    @property
    def hubs(self) -> list[Hub]:
        return [self.first, self.second]

    def courier_of(self, partition: int) -> Hub:
        """The hub that carries what begins in this partition."""
        (one,) = [hub for hub in self.hubs if partition in hub.app.services.courier.mine]
        return one

    def other(self, hub: Hub) -> Hub:
        return self.second if hub is self.first else self.first

    async def at_rest(self) -> None:
        """Wait until everything has arrived and is settled, as the store has it."""

        async def settled() -> bool:
            for source in range(PARTITIONS):
                for dest in range(PARTITIONS):
                    stored = await self.first.app.services.channel(source).request(
                        "GET", KEYSPACE.lane_out(source, str(dest))
                    )
                    if isinstance(stored, bytes) and stored[:6] != stored[6:12]:
                        return False
            return True

        await until(settled)

    async def audit(self) -> AuditReport:
        """The audit of the store, with nothing on its way."""
        await self.at_rest()
        assert self.first.app.embedded is not None
        async with redis_client(self.first.app.embedded.endpoint) as client:
            return await audit(client, KEYSPACE)

    async def judge(self) -> None:
        """See that the books are right."""
        report = await self.audit()
        assert report.findings == []
        assert report.in_transit == {}


@pytest.fixture
async def world(make_hub: MakeHub) -> World:
    """Both hubs know of one another, and each carries for some partitions."""
    first = await make_hub(partitions=PARTITIONS, rate_limits=False)
    assert first.app.embedded is not None
    store = str(first.app.embedded.endpoint)
    second = await make_hub("second", store=store, rate_limits=False)
    world = World(first, second)
    await until(lambda: all(len(hub.app.services.hubs.live) == 2 for hub in world.hubs))

    def shared() -> bool:
        one, other = (hub.app.services.courier.mine for hub in world.hubs)
        return not one & other and len(one | other) == PARTITIONS

    await until(shared)
    return world
