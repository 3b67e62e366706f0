"""The delay line: a process that carries TCP connections between regions as far as they are apart.

Every ordered pair of regions has a port here. Who dials it is taken to the other region, and the
bytes of each direction arrive in order, after the delay of that direction. A hub that is told these
ports in place of the others' own lives on a planet.

It takes commands as JSON lines (`bench.load.lines`): the coroutines of `Line`.
"""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from random import Random
from time import process_time_ns
from typing import Any

from bench.load.driver import Generator
from bench.load.histogram import pack
from bench.load.lines import obey

from .clock import exact_loop
from .link import Link
from .weather import Weather


def line() -> Generator:
    """A delay line of its own process, to be used as a context manager. It ends with its parent."""
    return Generator("bench.world.line")


class Line:
    """All links between regions. Each public coroutine is a command of the process."""

    def __init__(self) -> None:
        self._links: list[Link] = []
        self._late: Counter[int] = Counter()

    async def open(self, links: list[dict[str, Any]], seed: int = 1) -> dict[str, dict[str, int]]:
        """Make links, each of ``source, dest, host, port, there, back`` (fields of `Link` and
        `Weather`). Answers the port of each, by ``source>dest``."""
        ports = {}
        for told in links:
            there, back = Weather(**told.pop("there")), Weather(**told.pop("back"))
            draw = Random(f"{seed} {told['source']} {told['dest']}")
            link = Link(**told, there=there, back=back, late=self._late, draw=draw)
            ports[f"{link.source}>{link.dest}"] = await link.listen()
            self._links.append(link)
        return {"ports": ports}

    async def cut(
        self,
        one: str,
        other: str = "*",
        seconds: float | None = None,
        abort_after: float | None = None,
    ) -> None:
        """Carry nothing between two regions, in neither direction; see `Link.cut`."""
        for link in self._between(one, other):
            link.cut(seconds, abort_after)

    async def heal(self, one: str, other: str = "*") -> None:
        """End a cut."""
        for link in self._between(one, other):
            link.heal()

    async def lose(self, region: str) -> None:
        """A region is gone: its connections are reset, and so are new ones, until `restore`."""
        for link in self._between(region, "*"):
            link.lose()

    async def restore(self, region: str) -> None:
        """A lost region is back."""
        for link in self._between(region, "*"):
            link.lost = False

    async def change(
        self, source: str, dest: str, there: dict[str, float], back: dict[str, float]
    ) -> None:
        """Other weather on the link from `source` to `dest`, for each of its directions."""
        for link in self._between(source, dest):
            if link.source == source:
                link.change(Weather(**there), Weather(**back))

    async def figures(self) -> dict[str, object]:
        """How late pieces left since the last call (a packed histogram), CPU seconds so far, and
        of each link the open connections, the bytes on their way, and those that arrived."""
        late = pack([us * 1_000 for us in self._late.elements()])
        self._late.clear()
        links = {
            f"{one.source}>{one.dest}": {
                "connections": one.connections,
                "held": one.held,
                "carried": one.total,
            }
            for one in self._links
        }
        return {"late": late, "cpu": process_time_ns() / 1e9, "links": links}

    def _between(self, one: str, other: str) -> list[Link]:
        found = [link for link in self._links if link.joins(one, other)]
        if not found:
            raise ValueError(f"there is no link between {one} and {other}")
        return found


async def main() -> None:
    """Entry of the process."""
    gc.disable()  # a collection is a delay; nothing here makes cycles that matter
    await obey(Line())


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=exact_loop) as runner:
        runner.run(main())
