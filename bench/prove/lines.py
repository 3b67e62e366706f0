"""The lines that are cut and slowed: between clients and hubs, and between hubs and store.

A process of its own that carries TCP connections, on the world bench's delay line. Each hub reaches
the store at a loopback address of its own, where every server's port leads through here; the store
tells no addresses (`cluster-preferred-endpoint-type unknown-endpoint`), so that a hub takes all of
it to be there.
"""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass
from random import Random
from typing import Any

from bench.load.driver import Generator
from bench.load.lines import obey
from bench.world.line import Line
from bench.world.link import Link
from bench.world.weather import Weather

CLIENTS = "clients"
"""The end of a line where the clients are."""


def lines() -> Generator:
    """All lines, in a process; to be used as a context manager."""
    return Generator("bench.prove.lines")


@dataclass
class Door(Link):
    """A line that begins at an address and port of one's choice; port 0 takes a free one."""

    address: str = "127.0.0.1"
    at: int = 0

    async def listen(self) -> int:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accepted, self.address, self.at)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()


class Lines(Line):
    """Each public coroutine is a command of the process."""

    async def carry(self, doors: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
        """Open doors, each of ``source, dest, host, port`` and perhaps ``address, at``. Answers
        the port of each, by ``source>dest``."""
        ports = {}
        for told in doors:
            calm = {"there": Weather(0.0), "back": Weather(0.0)}
            door = Door(**told, **calm, late=self._late, draw=Random(0))
            ports[f"{door.source}>{door.dest}"] = await door.listen()
            self._links.append(door)
        return {"ports": ports}

    async def hold(self, pairs: list[tuple[str, str]], seconds: float) -> None:
        """Carry nothing between these for so many seconds; then all that was held arrives."""
        for one, other in pairs:
            await self.cut(one, other, seconds)

    async def snap(self, pairs: list[tuple[str, str]]) -> None:
        """Reset what is open between these, and whatever is opened, until `join`."""
        for link in (link for one, other in pairs for link in self._between(one, other)):
            link.lose()

    async def join(self, pairs: list[tuple[str, str]]) -> None:
        """Undo `snap`."""
        for link in (link for one, other in pairs for link in self._between(one, other)):
            link.lost = False

    async def slow(self, pairs: list[tuple[str, str]], delay: float, jitter: float) -> None:
        """Let everything between these take longer, in both directions; seconds."""
        for link in (link for one, other in pairs for link in self._between(one, other)):
            link.change(Weather(delay, jitter), Weather(delay, jitter))

    async def mend(self) -> None:
        """All lines are as at first."""
        for link in self._links:
            link.lost = False
            link.heal()
            link.change(Weather(0.0), Weather(0.0))


async def main() -> None:
    """Entry of the process."""
    gc.disable()  # a collection is a delay; nothing here makes cycles that matter
    await obey(Lines())


if __name__ == "__main__":
    asyncio.run(main())
