"""The process of the clients: everybody who lives in the town, and the book that they keep.

It takes commands as JSON lines (`bench.load.lines`): the coroutines of `Town`.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from random import Random
from typing import Any

import uvloop

from bench.load.driver import Generator
from bench.load.lines import obey

from .book import Book
from .compose import BURST
from .judge import Judge
from .person import Person

POLL_S = 0.05


def town() -> Generator:
    """A process of clients, to be used as a context manager."""
    return Generator("bench.prove.crowd.town")


class Town:
    """Each public coroutine is a command of the process."""

    def __init__(self) -> None:
        self.book = Book()
        self.hubs: list[tuple[str, int]] = []
        self.people: list[Person] = []
        self.durable = ""
        """What each ack must say it rests on; empty: anything."""
        self.burst = BURST
        self.live_since_ms = 0.0
        """Entries since then are live, as far as delays go."""
        self._partitions = 1
        self._opening = 0
        self._draw = Random()
        self._lives: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something in the background."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Commands.

    async def settle(
        self,
        hubs: list[tuple[str, int]],
        number: int,
        seed: int,
        partitions: int,
        opening: int,
        durable: str,
        patience: float,
    ) -> dict[str, Any]:
        """Let `number` people register, and make and join their rooms; `hubs` are host and port of
        each. Answers whether all of it was done in `patience` seconds."""
        self.hubs = [(host, port) for host, port in hubs]
        self.durable, self._partitions, self._opening = durable, partitions, opening
        self._draw = Random(f"flap {seed}")
        self.people = [Person(self, place, number, seed) for place in range(number)]
        self._lives = asyncio.ensure_future(self._live())
        done = await self._until(lambda: all(one.settled_in for one in self.people), patience)
        for one in self.people:
            one.resting = False
        self.live_since_ms = time.time() * 1000
        return {"done": done, "in": sum(one.settled_in for one in self.people)}

    async def figures(self) -> dict[str, Any]:
        """What happened since the last call."""
        book = self.book
        latencies, book.latencies = sorted(book.latencies), []
        delays, book.delays = sorted(book.delays), []
        devices = [device for one in self.people for device in one.devices]
        return {
            "tally": asdict(book.tally),
            "wrong": dict(book.wrong),
            "online": sum(device.online for device in devices),
            "devices": len(devices),
            "acked": len(latencies),
            "latency": _percentiles(latencies),
            "delay": _percentiles(delays),
        }

    async def flap(self, share: float) -> dict[str, int]:
        """Let this share of all devices hang up at once; they come back."""
        devices = [device for one in self.people for device in one.devices if device.online]
        chosen = self._draw.sample(devices, round(share * len(devices)))
        for device in chosen:
            device.drop()
        return {"dropped": len(chosen)}

    async def rest(self, patience: float) -> dict[str, Any]:
        """Nobody begins anything new; wait until every frame so far has its answer."""
        for one in self.people:
            one.resting = True
        done = await self._until(
            lambda: all(not one.open and one.devices[0].online for one in self.people), patience
        )
        return {"done": done}

    async def judge(self, patience: float) -> dict[str, Any]:
        """Read everything, hold it against what was told, and answer the verdict."""
        judge = Judge(self.book, self.people, self._partitions, self._opening)
        try:
            async with asyncio.timeout(patience):
                await judge.run()
        except TimeoutError:
            self.book.find("unreadable", f"not everything could be read in {patience:g} s")
        return judge.told()

    # Private.

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as group:
            for one in self.people:
                group.create_task(one.live())

    async def _until(self, done: Callable[[], bool], patience: float) -> bool:
        """Wait for something; whether it came in time. What breaks a client breaks the run."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        while not done():
            if self._lives is not None and self._lives.done():
                self._lives.result()
            if loop.time() > deadline:
                return False
            await asyncio.sleep(POLL_S)
        return True


def _percentiles(values: list[float]) -> dict[str, float]:
    """In milliseconds; nothing where there is nothing."""
    if not values:
        return {}
    last = len(values) - 1
    return {
        "p50": values[last // 2] * 1000,
        "p99": values[last * 99 // 100] * 1000,
        "max": values[-1] * 1000,
    }


async def main() -> None:
    """Entry of the process."""
    gc.freeze()
    await obey(Town())


if __name__ == "__main__":
    uvloop.run(main())
