"""What arrives from other regions: their legs become posts of ours, once and in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from ..commit.outcomes import Result
from ..courier.origin import Origin
from ..ledger.arrivals import arrival
from ..ledger.crossing import Arrival
from ..ledger.legs import time_of
from ..ledger.posts import Post
from ..ledger.status import Status
from .frames import Arrive, Ends, Outcomes, Records

if TYPE_CHECKING:
    from ..services import Services

_DAMAGED = int(Status.CORRUPT), b""


class _Incoming(Origin):
    """Legs that came in one message, and what became of each."""

    def __init__(self, asked: Arrive, returned: Callable[[int, str], None]) -> None:
        self._asked = asked
        self._returned = returned
        self._outcomes: list[tuple[int, bytes] | None] = [None] * len(asked.legs)
        self._missing = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def posted(self) -> None:
        """One leg is on its way into the store."""
        self._missing += 1

    def answered(self, post: Post, result: Result) -> None:
        come = post.extra
        assert isinstance(come, Arrival)
        detail = result[1] if len(result) > 1 and isinstance(result[1], bytes) else b""
        self._outcomes[come.seq - self._asked.first] = int(result[0]), detail
        if result[0] == Status.RETURNED or (result[0] == Status.DUPLICATE and detail == b"1"):
            self._returned(self._asked.dest, self._asked.source)
        self._one_less()

    def failed(self, post: Post) -> None:
        self._one_less()

    def go(self) -> None:
        pass

    def outcomes(self, damaged: bool) -> Outcomes:
        """Up to the first leg of which it is not known; `damaged`: what follows it is damaged."""
        known: list[tuple[int, bytes]] = []
        for one in self._outcomes:
            if one is None:
                return Outcomes([*known, _DAMAGED] if damaged else known)
            known.append(one)
        return Outcomes(known)

    def _one_less(self) -> None:
        self._missing -= 1
        if self._missing == 0 and not self.done.done():
            self.done.set_result(None)


class Arriving:
    """Answers the questions of couriers of other regions."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._log = structlog.get_logger("regions")

    async def arrive(self, region: str, asked: Arrive) -> Outcomes:
        """Post the legs; answer when all are judged."""
        services = self._services
        self._own_lane(region, asked.source, asked.dest)
        services.seals.told(asked.keys)
        incoming = _Incoming(asked, services.courier.returned)
        posts, why = self._posts(asked, incoming)
        for post in posts:
            incoming.posted()
            services.pipeline_of(asked.dest).post(post)
        if why:
            self._log.error("a leg is refused", lane=asked.source, to=asked.dest, why=why)
        if posts:
            await incoming.done
        return incoming.outcomes(damaged=bool(why))

    def _posts(self, asked: Arrive, incoming: _Incoming) -> tuple[list[Post], str]:
        """The posts up to the first leg that is damaged, and what is wrong with that one."""
        keyspace, dest, posts = self._services.keyspace, asked.dest, list[Post]()
        source, floor, asks = asked.source, asked.floor, self._services.settings.asks
        behind = asked.behind
        for seq, stored in enumerate(asked.legs, asked.first):
            try:
                post = arrival(keyspace, dest, source, seq, stored, floor, incoming, asks, behind)
            except ValueError as error:
                return posts, f"leg {seq}: {error}"
            if keyspace.partition_of(post.box) != dest:
                return posts, f"leg {seq}: {post.box} does not belong into partition {dest}"
            posts.append(post)
            behind = time_of(stored)
        return posts, ""

    async def ends(self, region: str, asked: Ends) -> Records:
        """The records of lanes of that region, as they are here."""
        keyspace = self._services.keyspace
        by_partition: dict[int, list[str]] = {}
        for source, dest in asked.lanes:
            self._own_lane(region, source, dest)
            by_partition.setdefault(dest, []).append(source)
        found: dict[tuple[str, int], bytes | None] = {}
        for dest, sources in by_partition.items():
            keys = [keyspace.lane_in(dest, source) for source in sources]
            records = await self._services.channel(dest).request("MGET", *keys)
            assert isinstance(records, list)
            found.update(zip(((one, dest) for one in sources), records, strict=True))
        return Records([found[lane] for lane in asked.lanes])

    def _own_lane(self, region: str, source: str, dest: int) -> None:
        """See that a hub of `region` speaks of a lane from there to here.

        Raises:
            ValueError: if not.
        """
        name, _, number = source.partition(".")
        if name != region or not (number.isascii() and number.isdigit()):
            raise ValueError(f"region {region} speaks of lanes from {source!r}")
        if not 0 <= dest < self._services.keyspace.partitions:
            raise ValueError(f"region {region} speaks of a partition {dest}")
