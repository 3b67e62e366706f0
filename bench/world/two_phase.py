"""What the regions are held against: the same payment by two-phase commit, over the same line.

The coordinator sits in the payer's region. It asks the stores of both sides to prepare, which
locks both accounts; when both have voted it writes the decision down, tells the payer, and tells
the stores. So the payer waits for a round trip, the payee for one and a half; and while the line
is cut, whoever has voted stays locked. Stores sync before they answer, as Teller's do.
It takes commands as JSON lines (`bench.load.lines`): the coroutines of `TwoPhase`.
"""

from __future__ import annotations

import asyncio
import gc
from itertools import count
from time import monotonic_ns
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript

from bench.load.driver import Generator
from bench.load.lines import obey

from .clock import exact_loop
from .ops import Op, Pair, samples

PREPARE = """
if redis.call('HEXISTS', KEYS[1], 'lock') == 1 then return 0 end
if redis.call('HGET', KEYS[1], 'balance') + ARGV[2] < 0 then return 0 end
redis.call('HSET', KEYS[1], 'lock', ARGV[1], 'delta', ARGV[2])
return 1
"""
"""Votes for payment ARGV[1], which changes the balance by ARGV[2]; a yes locks the account."""

DECIDE = """
if redis.call('HGET', KEYS[1], 'lock') ~= ARGV[1] then return 0 end
if ARGV[2] == '1' then
  redis.call('HINCRBY', KEYS[1], 'balance', redis.call('HGET', KEYS[1], 'delta'))
  redis.call('PUBLISH', 'committed ' .. KEYS[1], ARGV[1])
end
redis.call('HDEL', KEYS[1], 'lock', 'delta')
return 1
"""
"""Commits payment ARGV[1] if ARGV[2] is 1, else aborts it; unlocks the account."""

OPENING = 1_000_000
CONNECTIONS = 200
"""Payments at a time from one region to a store, at most; the others wait for their turn."""
WARM = 32
"""Connections of each region to each store that are open from the beginning."""


def two_phase() -> Generator:
    """A process with the coordinators of all regions, to be used as a context manager."""
    return Generator("bench.world.two_phase")


class Store:
    """One region's store, seen from one region."""

    def __init__(self, port: int) -> None:
        pool = BlockingConnectionPool(
            max_connections=CONNECTIONS,
            timeout=None,
            port=port,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=None,
            decode_responses=True,
        )
        self.redis = Redis(connection_pool=pool)
        self._prepare: AsyncScript = self.redis.register_script(PREPARE)
        self._decide: AsyncScript = self.redis.register_script(DECIDE)

    async def warm_up(self) -> None:
        """Dial as often as it will be needed, and bring the scripts: no payment waits for it."""
        await asyncio.gather(*(self.redis.ping() for _ in range(WARM)))
        await self.redis.script_load(PREPARE)
        await self.redis.script_load(DECIDE)

    async def prepare(self, account: str, payment: str, delta: int) -> bool:
        """Vote; yes locks the account."""
        return bool(await self._prepare(keys=[account], args=[payment, delta]))

    async def decide(self, account: str, payment: str, commit: bool) -> None:
        """Commit or abort, and unlock."""
        await self._decide(keys=[account], args=[payment, int(commit)])

    async def write_down(self, payment: str, commit: bool) -> None:
        """Keep the coordinator's decision, before anyone hears of it."""
        await self.redis.hset("decisions", payment, str(int(commit)))


class TwoPhase:
    """Each public coroutine is a command of the process."""

    def __init__(self) -> None:
        self._stores: dict[Pair, Store] = {}
        """By who asks, and whose store it is."""
        self._accounts = 0
        self._ops: dict[str, Op] = {}
        self._paying: set[asyncio.Task[None]] = set()
        self._listening: list[asyncio.Task[None]] = []
        self._next = count(1)
        self._first = 1

    async def open(self, ports: dict[str, int], accounts: int) -> None:
        """Stores at the ports by ``asks>whose``, and so many accounts in each region; no account
        takes part in two payments at a time unless there are too few."""
        self._accounts = accounts
        for name, port in ports.items():
            asks, _, whose = name.partition(">")
            self._stores[asks, whose] = Store(port)
        await asyncio.gather(*(store.warm_up() for store in self._stores.values()))
        for store, names in self._own():
            for name in names:
                await store.redis.hset(name, "balance", str(OPENING))
            ready = asyncio.Event()
            self._listening.append(asyncio.create_task(self._listen(store, names, ready)))
            await ready.wait()

    async def begin(self, pairs: list[Pair], rate: float, seconds: float) -> None:
        """Start an open loop: `rate` payments a second between each pair; returns at once."""
        self._first = next(self._next)
        self._load = asyncio.create_task(self._pay_all(pairs, rate, seconds))

    async def finish(self, drain: float) -> dict[str, Any]:
        """Wait until all payments were begun and, for up to `drain` seconds, until they ended.
        Answers the samples of `ops.samples`, and how many of them were not done."""
        await self._load
        if self._paying:
            await asyncio.wait(self._paying, timeout=drain)
        await asyncio.sleep(0.05)  # what was committed is published
        ops = self._begun()
        return {
            "samples": samples(ops),
            "sent": len(ops),
            "aborted": sum(op.state == "aborted" for op in ops),
            "open": len(self._paying),
        }

    async def standing(self) -> dict[str, int]:
        """How many payers have no answer yet, and how many accounts are locked."""
        locks = [
            await store.redis.hexists(name, "lock")
            for store, names in self._own()
            for name in names
        ]
        unanswered = sum(not op.acked for op in self._begun())
        return {"unanswered": unanswered, "locked": sum(map(bool, locks))}

    async def balances(self) -> dict[str, int]:
        """The sum of all balances and the least of them, in minor units."""
        sheets = [
            int(await store.redis.hget(name, "balance") or 0)
            for store, names in self._own()
            for name in names
        ]
        return {"sum": sum(sheets), "least": min(sheets)}

    def _own(self) -> list[tuple[Store, list[str]]]:
        """Each region's store, seen from there, and its accounts."""
        return [
            (store, [f"{whose}{number}" for number in range(self._accounts)])
            for (asks, whose), store in self._stores.items()
            if asks == whose
        ]

    def _begun(self) -> list[Op]:
        return [op for op in self._ops.values() if op.number >= self._first]

    async def _pay_all(self, pairs: list[Pair], rate: float, seconds: float) -> None:
        started, step = monotonic_ns(), 1e9 / (rate * len(pairs))
        for turn in range(round(rate * seconds) * len(pairs)):
            intended = started + int(turn * step)
            if (ahead := (intended - monotonic_ns()) / 1e9) > 0:
                await asyncio.sleep(ahead)
            pair = pairs[turn % len(pairs)]
            op = Op(next(self._next), pair, "payment", "", intended)
            self._ops[f"p{op.number}"] = op
            task = asyncio.create_task(self._pay(op))
            self._paying.add(task)
            task.add_done_callback(self._paying.discard)

    async def _pay(self, op: Op) -> None:
        """One payment, as its coordinator leads it."""
        (source, dest), id = op.pair, f"p{op.number}"
        here, there = self._stores[source, source], self._stores[source, dest]
        payer, payee = self._parties(op)
        votes = await asyncio.gather(here.prepare(payer, id, -1), there.prepare(payee, id, 1))
        commit = all(votes)
        await here.write_down(id, commit)
        op.acked, op.state = monotonic_ns(), "settled" if commit else "aborted"
        await asyncio.gather(here.decide(payer, id, commit), there.decide(payee, id, commit))

    def _parties(self, op: Op) -> tuple[str, str]:
        """Payer and payee: half of a region's accounts pay, the other half are paid."""
        half = self._accounts // 2
        source, dest = op.pair
        return f"{source}{op.number % half}", f"{dest}{half + op.number % half}"

    async def _listen(self, store: Store, names: list[str], ready: asyncio.Event) -> None:
        """Note when payees of a region can spend what they were paid."""
        payees = names[self._accounts // 2 :]
        async with store.redis.pubsub() as channel:
            await channel.subscribe(*(f"committed {name}" for name in payees))
            ready.set()
            async for message in channel.listen():
                if message["type"] == "message":
                    self._ops[message["data"]].delivered = monotonic_ns()


async def main() -> None:
    """Entry of the process."""
    gc.disable()  # a collection would be somebody's latency
    await obey(TwoPhase())


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=exact_loop) as runner:
        runner.run(main())
