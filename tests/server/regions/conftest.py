"""Three real regions in this process: hubs on stores of their own, and lines between them that can
be cut."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from bench.world.link import Link as Line
from bench.world.weather import Weather
from server.ledger.audit import AuditReport, audit
from server.ledger.lanes import InLane, OutLane
from server.regions.directory import directory_region
from server.regions.world import World
from server.store.client import redis_client
from tests.support import Client, Hub, until

NAMES = ("eu", "us", "ap")
PARTITIONS = {"eu": 2, "us": 1, "ap": 1}
FAIR = Weather(0.005)
MakeHub = Callable[..., Awaitable[Hub]]
Frame = dict[str, Any]


def kept_by(region: str, stem: str, sign: str = "@") -> str:
    """A name, without its sign, whose directory is kept by `region`."""
    names = (f"{stem}{number}" for number in range(10_000))
    return next(name for name in names if directory_region(sign + name, NAMES) == region)


class Earth:
    """The regions, and the lines between them."""

    def __init__(self, home: Path, make_hub: MakeHub) -> None:
        self.home = home
        self._make_hub = make_hub
        self.lines: dict[tuple[str, str], Line] = {}
        """The line that hubs of one region dial to reach another."""
        self.ports: dict[tuple[str, str], int] = {}
        self.hubs: dict[str, Hub] = {}

    async def lay_lines(self) -> None:
        """Open the lines, and write the file of regions for each of them."""
        (self.home / "region.secret").write_text(secrets.token_hex(32))
        for ends in permutations(NAMES, 2):
            line = self.lines[ends] = Line(*ends, "127.0.0.1", 0, FAIR, FAIR, Counter())
            self.ports[ends] = await line.listen()
        for name in NAMES:
            (self.home / f"{name}.toml").write_text(self._told(name))

    def _told(self, own: str) -> str:
        text = 'secret_file = "region.secret"\n'
        for name in NAMES:
            port = self.ports.get((own, name), 1)
            text += f'[regions.{name}]\nlink = "ws://127.0.0.1:{port}/region"\n'
            text += f"partitions = {PARTITIONS[name]}\n"
        return text

    async def begin(self, name: str, **settings: Any) -> Hub:
        """Start the hub of a region, or start it again."""
        file = self.home / f"{name}.toml"
        hub = await self._make_hub(name, region=name, regions=file, rate_limits=False, **settings)
        self.hubs[name] = hub
        for (_, dest), line in self.lines.items():
            if dest == name:
                line.port = hub.app.port
        return hub

    def __getitem__(self, region: str) -> Hub:
        return self.hubs[region]

    def world(self, region: str) -> World:
        world = self.hubs[region].app.services.world
        assert world is not None
        return world

    async def joined(self) -> None:
        """Wait until all regions have links to each other."""
        pairs = list(permutations(self.hubs, 2))
        await until(lambda: all(self.world(a).links[b].up for a, b in pairs))

    # The lines.

    def cut(self, one: str, other: str, abort_after: float | None = 0.0) -> None:
        """Carry nothing between two regions; connections end, as they would after a while."""
        for line in self._between(one, other):
            line.cut(None, abort_after)

    def heal(self, one: str, other: str) -> None:
        """Carry again."""
        for line in self._between(one, other):
            line.heal()

    def kill(self, one: str, other: str) -> None:
        """Reset the connections between two regions; new ones may come at once."""
        for line in self._between(one, other):
            line.lose()
            line.lost = False

    def _between(self, one: str, other: str) -> list[Line]:
        return [self.lines[one, other], self.lines[other, one]]

    def close(self) -> None:
        for line in self.lines.values():
            line.lose()
            assert line._server is not None
            line._server.close()

    # The books.

    async def at_rest(self) -> None:
        """Wait until everything that left any partition has arrived and is settled."""

        async def settled() -> bool:
            for hub in self.hubs.values():
                for out in (await records(hub, "x", OutLane)).values():
                    if out.sent != out.done:
                        return False
            return True

        await until(settled)

    async def judge(self) -> None:
        """See that the books of every region are right, and fit together."""
        await self.at_rest()
        sent, come = {}, {}
        held, given = Counter[str](), Counter[str]()
        for region, hub in self.hubs.items():
            report = await books(hub)
            assert report.findings == []
            assert report.in_transit == {}
            held.update(report.held)
            given.update(report.circulation)
            for (here, there), out in (await records(hub, "x", OutLane)).items():
                sent[_label(region, here), _label(region, there)] = out.sums
            for (here, there), end in (await records(hub, "i", InLane)).items():
                come[_label(region, there), _label(region, here)] = end.sums
        assert sent == come
        assert held == given


def _label(region: str, place: str) -> str:
    return place if "." in place else f"{region}.{place}"


async def records(hub: Hub, letter: str, kind: Any) -> dict[tuple[str, str], Any]:
    """All records of lanes of a store: by the partition where each is, and the other end."""
    found = {}
    keyspace = hub.app.services.keyspace
    for partition in range(keyspace.partitions):
        channel = hub.app.services.channel(partition)
        keys: Any = await channel.request("KEYS", f"{keyspace.tag(partition)}{letter}:*")
        for key in keys:
            stored = await channel.request("GET", key)
            found[str(partition), key.decode().rpartition(":")[2]] = kind.parse(stored)
    return found


async def books(hub: Hub) -> AuditReport:
    """The audit of one region."""
    assert hub.app.embedded is not None
    async with redis_client(hub.app.embedded.endpoint) as client:
        return await audit(client, hub.app.services.keyspace)


async def money_of(client: Client) -> int:
    sheet = await client.ask("balance")
    return int(sheet["balances"]["USD"]["available"])


async def entry(client: Client, id: str, type: str | None = None) -> Frame:
    """The next entry of the post `id`."""
    return await client.until(
        lambda frame: (
            frame.get("id") == id and "from" in frame and type in (None, frame.get("type"))
        )
    )


@pytest.fixture
async def earth(make_hub: MakeHub, tmp_path: Path) -> AsyncIterator[Earth]:
    """Three regions with links to each other."""
    earth = Earth(tmp_path, make_hub)
    await earth.lay_lines()
    for name in NAMES:
        await earth.begin(name)
    await earth.joined()
    yield earth
    earth.close()
