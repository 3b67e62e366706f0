"""Looks once a second at all lanes to another region: what waits, since when, and how much money is
on its way. What nobody pushes is found here, as within a store (see `courier`)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from ..courier.outstanding import LaneBroken, parse_in, parse_out
from ..ledger.lanes import WRAP, InLane, OutLane, in_transit
from ..ledger.legs import STAMP
from ..store.connection import Down, Lost, Refused
from .frames import Ends, Records
from .link import Link, Unreachable
from .places import Region

if TYPE_CHECKING:
    from ..services import Services

LOOK_S = 1.0

Ends_ = tuple[int, str]
"""A lane: the partition where it begins, and the label of the one where it ends."""


@dataclass
class Waiting:
    """What is on its way to a region, as of the last look."""

    legs: int = 0
    oldest_at: int | None = None
    """When the oldest of them was sent, in ms of the store."""
    money: dict[str, int] = field(default_factory=dict)
    """By currency, in minor units. While the region is cut off: what is not known to be there."""


class Survey:
    """The lanes from the partitions that are ours to carry for, to one other region."""

    def __init__(self, services: Services, own: str, region: Region, link: Link) -> None:
        self._services = services
        self._own = own
        self._region = region
        self._link = link
        self._arrived: dict[Ends_, InLane] = {}
        """The lanes at their ends, when they were last seen."""
        self.waiting = Waiting()
        self._log = structlog.get_logger("regions")

    async def run(self) -> None:
        """Look at all lanes, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self._look()
            except (Down, Lost, Refused):
                pass  # of a store without a connection nothing is known
            except Exception:  # one mistake must not end the looking for good
                self._log.exception("a look at the lanes failed", region=self._region.name)

    def push(self) -> None:
        """The link is there again: see after everything that waits."""
        for (_, dest), lane in list(self._services.courier.lanes.items()):
            if isinstance(dest, str) and dest.startswith(f"{self._region.name}."):
                lane.look()

    async def _look(self) -> None:
        """The ends are read before the sources, so they never seem to be ahead."""
        used = await self._sources(self._all())
        arrived = await self._ends(used)
        self._arrived.update(arrived)
        sent = await self._sources(used)
        for ends, out in sent.items():
            if ends in arrived:
                self._services.courier.lane(*ends).observe(arrived[ends], out)
        self.waiting = await self._figures(sent)

    def _all(self) -> list[Ends_]:
        region = self._region
        labels = [f"{region.name}.{number}" for number in range(region.partitions)]
        return [(source, label) for source in self._services.courier.mine for label in labels]

    async def _sources(self, lanes: Iterable[Ends_]) -> dict[Ends_, OutLane]:
        """The records of those of `lanes` that were ever used."""
        services, by_source = self._services, dict[int, list[str]]()
        for source, label in lanes:
            by_source.setdefault(source, []).append(label)
        found = {}
        for source, labels in by_source.items():
            keys = [services.keyspace.lane_out(source, label) for label in labels]
            records = await services.channel(source).request("MGET", *keys)
            assert isinstance(records, list)
            for label, record in zip(labels, records, strict=True):
                if record is not None and (out := self._read(source, label, record)) is not None:
                    found[source, label] = out
        return found

    def _read(self, source: int, label: str, record: object) -> OutLane | None:
        try:
            return parse_out(record)
        except LaneBroken as error:
            self._stop((source, label), error)
            return None

    async def _ends(self, lanes: Iterable[Ends_]) -> dict[Ends_, InLane]:
        """The other ends of `lanes`; nothing while the region is cut off."""
        asked = list(lanes)
        if not asked or not self._link.up:
            return {}
        words = [(f"{self._own}.{source}", int(dest.partition(".")[2])) for source, dest in asked]
        try:
            reply = await self._link.ask(Ends(words))
        except Unreachable:
            return {}
        assert isinstance(reply, Records)
        found = {}
        for ends, record in zip(asked, reply.records, strict=True):
            try:
                found[ends] = parse_in(record)
            except LaneBroken as error:
                self._stop(ends, error)
        return found

    def _stop(self, ends: Ends_, error: LaneBroken) -> None:
        lane = self._services.courier.lane(*ends)
        if not lane.stopped:
            lane.stop(str(error))

    async def _figures(self, sent: dict[Ends_, OutLane]) -> Waiting:
        waiting = Waiting()
        for (source, label), out in sent.items():
            waiting.legs += out.sent - out.done
            money = in_transit(out, self._arrived.get((source, label), InLane()))
            for currency, amount in money.items():
                waiting.money[currency] = (waiting.money.get(currency, 0) + amount) % WRAP
            if out.sent > out.done:
                at = await self._oldest(source, label, out)
                if at is not None:
                    waiting.oldest_at = min(at, waiting.oldest_at or at)
        return waiting

    async def _oldest(self, source: int, label: str, out: OutLane) -> int | None:
        services = self._services
        outbox = services.keyspace.outbox(source, label)
        leg = await services.channel(source).request("LINDEX", outbox, out.done + 1 - out.first)
        return int.from_bytes(leg[:STAMP]) if isinstance(leg, bytes) else None
