"""The clients of all regions, in one process, so that one clock times both ends of everything.

The generator of the other scenarios loads one hub as hard as it can be loaded. This one sends few
operations between many hubs, at exact times, and its clients survive what happens to their hubs.
It takes commands as JSON lines (`bench.load.lines`): the coroutines of `Clients`.
"""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from secrets import token_hex
from time import monotonic_ns, process_time_ns
from typing import Any

from bench.load.accounts import until
from bench.load.driver import Generator
from bench.load.lines import obey

from .client import Client
from .clock import exact_loop
from .ops import Book, Op, Pair, samples

KINDS = ("message", "payment")


def clients() -> Generator:
    """A process of clients, to be used as a context manager."""
    return Generator("bench.world.clients")


class Clients:
    """Each public coroutine is a command of the process."""

    def __init__(self) -> None:
        self._book = Book()
        self._people: dict[str, list[Client]] = {}
        self._next = 1
        self._first = 1
        self._load: asyncio.Task[None] | None = None
        self._lag: list[int] = []
        """How late each operation was sent, in ns."""
        self._cpu = (0, 0)

    async def enter(
        self, regions: dict[str, tuple[str, str | None]], each: int
    ) -> dict[str, list[str]]:
        """Open `each` accounts, at least two, on the hub of every region, of names that no earlier
        run used; `regions` has the hubs' URLs, and the namespaces from which to dial them."""
        prefix = f"w{token_hex(4)}"
        for region, (url, namespace) in regions.items():
            names = [f"{prefix}_{region.lower()}_{n}" for n in range(each)]
            self._people[region] = [
                Client(name, region, url, self._book, namespace) for name in names
            ]
        everyone = self._everyone()
        await asyncio.gather(*(one.enter() for one in everyone))
        return {"names": [one.name for one in everyone]}

    async def begin(
        self, pairs: list[Pair], rate: float, seconds: float, more: bool = False
    ) -> dict[str, int]:
        """Start an open loop: between each pair of regions `rate` operations a second, messages
        and payments in turn, at even times; returns at once. With `more` they belong to those
        that were begun before."""
        await self.sent()
        if not more:
            self._first, self._lag = self._next, []
            self._cpu = (process_time_ns(), monotonic_ns())
        self._load = asyncio.create_task(self._send_all(pairs, rate, seconds))
        return {"began": monotonic_ns()}

    async def sent(self) -> None:
        """Wait until what was begun has sent everything."""
        if self._load is not None:
            await self._load
            self._load = None

    async def finish(self, drain: float) -> dict[str, Any]:
        """Wait until everything is sent and, for up to `drain` seconds, until all of it is done.
        Answers the samples of `ops.samples`, the faults, and the generator's own lag and CPU."""
        await self.sent()
        ops = self._book.of(self._first)
        await until(lambda: all(op.done for op in ops), drain)
        faults = self._book.faults + Counter(
            unacknowledged=sum(not op.acked for op in ops),
            lost=sum(not op.delivered for op in ops),
            open=sum(bool(op.acked and op.delivered) and not op.done for op in ops),
        )
        self._book.faults.clear()
        cpu, began = self._cpu
        return {
            "samples": samples(ops),
            "sent": len(ops),
            "faults": {name: number for name, number in faults.items() if number},
            "errors": self._book.errors,
            "states": Counter(op.state for op in ops if op.state),
            "resumed": sum(one.resumed for one in self._everyone()),
            "lag": sorted(self._lag),
            "cpu": (process_time_ns() - cpu) / (monotonic_ns() - began),
        }

    async def standing(self) -> dict[str, int]:
        """How many of the operations begun last were sent, are not acknowledged, and are not
        delivered; and the money in transit, in minor units."""
        ops = self._book.of(self._first)
        return {
            "sent": len(ops),
            "unacknowledged": sum(not op.acked for op in ops),
            "undelivered": sum(not op.delivered for op in ops),
            "in_transit": self._book.in_transit(),
        }

    async def backlog(self, moment: int) -> dict[str, dict[str, float]]:
        """By pair, what was sent before `moment` (ns) and not done then: how many operations, and
        how many seconds later the last of them was done."""
        found: dict[str, dict[str, float]] = {}
        for op in self._book.of(self._first):
            ended = max(op.acked, op.delivered, op.closed)
            if op.intended < moment < ended:
                of = found.setdefault(">".join(op.pair), {"queued": 0, "drained": 0.0})
                of["queued"] += 1
                of["drained"] = max(of["drained"], (ended - moment) / 1e9)
        return found

    async def balances(self) -> dict[str, int]:
        """The sum of what all accounts can spend, the least of it, and the money in transit, in
        minor units."""
        sheets = await asyncio.gather(*(one.balance() for one in self._everyone()))
        return {"sum": sum(sheets), "least": min(sheets), "in_transit": self._book.in_transit()}

    async def _send_all(self, pairs: list[Pair], rate: float, seconds: float) -> None:
        started = monotonic_ns() + int(1e7)
        step = 1e9 / (rate * len(pairs))
        for turn in range(round(rate * seconds) * len(pairs)):
            intended = started + int(turn * step)
            ahead = (intended - monotonic_ns()) / 1e9
            if ahead > 0:
                await asyncio.sleep(ahead)
            self._lag.append(max(0, monotonic_ns() - intended))
            place, ordinal = turn % len(pairs), turn // len(pairs)
            await self._send(pairs[place][0], pairs[place][1], ordinal, intended)

    async def _send(self, source: str, dest: str, ordinal: int, intended: int) -> None:
        senders, recipients = self._people[source], self._people[dest]
        kind, turn = KINDS[ordinal % 2], ordinal // 2
        sender = senders[turn % len(senders)]
        to = recipients[(turn + (source == dest)) % len(recipients)]
        op = Op(self._next, (source, dest), kind, to.name, intended)
        self._next += 1
        await sender.do(op)

    def _everyone(self) -> list[Client]:
        return [one for people in self._people.values() for one in people]

    async def leave(self) -> None:
        """Everyone hangs up."""
        await asyncio.gather(*(one.leave() for one in self._everyone()))


async def main() -> None:
    """Entry of the process."""
    gc.disable()  # a collection would be somebody's latency
    everyone = Clients()
    await obey(everyone)
    await everyone.leave()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=exact_loop) as runner:
        runner.run(main())
