"""The store's own ceiling: the ledger's function driven straight, by a pipelined raw client.

No hub and no sockets of clients: what the store can do at most with the same calls that the hub
makes. It shares with the hub what packs a call, or it would not be the same function.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from time import monotonic_ns, process_time_ns
from typing import Any, cast

import hiredis
import uvloop

from bench.procfs import cpu_ns
from protocol.frames import Payment
from server.ledger.entries import digest_of, encode_entry, entry_of
from server.ledger.keys import keys_of
from server.ledger.posts import Post, pack_call
from server.ledger.status import Status
from server.pipeline import POSTS_PER_CALL

from .histogram import pack
from .lines import obey
from .worker import CURRENCY

CALLS_IN_FLIGHT = 4
"""More than the hub has, so that the store never waits for its client."""
DRAIN_SECONDS = 15


def payment(number: int, payer: str, payee: str) -> Post:
    """The post that the hub would make of a payment of one minor unit."""
    frame = Payment(f"{number:012d}", payee, 1, CURRENCY)
    body = encode_entry(entry_of(frame, payer))
    mine, theirs = keys_of(payer), keys_of(payee)
    return Post(
        frame,
        frame.id,
        origin=None,
        who=payer,
        mark=mine.marks + frame.id.encode(),
        digest=digest_of(body),
        body=body,
        sender=mine,
        to=theirs,
        amount=frame.amount,
        currency=frame.currency,
        box=payer,
        boxes=(mine.box, theirs.box),
        names=(payer, payee),
    )


class RawStore(asyncio.Protocol):
    """A pipelined connection that keeps `CALLS_IN_FLIGHT` calls on their way."""

    def __init__(self) -> None:
        self._next = 1
        self._people: list[str] = []
        self._depth = 1
        self._calls: deque[int] = deque()
        self._sending = False
        self._idle = asyncio.Event()
        self._acked = self._refused = 0
        self._took: list[int] = []
        self._errors: list[str] = []

    async def payments(
        self,
        people: list[str],
        depth: int,
        seconds: float,
        warm_up: float,
        pids: dict[str, int],
        **others: object,
    ) -> dict[str, object]:
        """A window of payments between the pairs among `people`, `depth` by each in turn: the
        calls that a hub makes whose clients have so many in flight."""
        self._people, self._depth, self._sending = people, depth, True
        self._idle.clear()
        first = self._next
        for _ in range(CALLS_IN_FLIGHT):
            self._call()
        await asyncio.sleep(warm_up)
        self._took.clear()
        before = self._mark(pids["store"])
        await asyncio.sleep(seconds)
        after = self._mark(pids["store"])
        self._sending = False
        await asyncio.wait_for(self._idle.wait(), DRAIN_SECONDS)
        elapsed, acked, own, store = (b - a for a, b in zip(before, after, strict=True))
        return {
            "seconds": elapsed / 1e9,
            "sent": self._next - first,
            "acked": acked,
            "delivered": 0,
            "generator_cpu": own / elapsed,
            "cpu_ns": {"store": store},
            "ack": pack(self._took),
            "delivery": pack([]),
            "lag": pack([]),
            "errors": self._errors,
            "faults": {"refused": self._refused},
        }

    def _mark(self, store: int) -> tuple[int, int, int, int]:
        """Time, posts so far, and the CPU time of this process and of the store, now."""
        return monotonic_ns(), self._acked, process_time_ns(), cpu_ns(store)

    def _call(self) -> None:
        first, people = self._next, self._people
        self._next += POSTS_PER_CALL
        posts = []
        for n in range(first, self._next):
            payer = n // self._depth % len(people)
            posts.append(payment(n, people[payer], people[payer ^ 1]))
        self._calls.append(monotonic_ns())
        call: tuple[Any, ...] = tuple(pack_call(posts))
        self._transport.write(hiredis.pack_command(call))

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._reader = hiredis.Reader()

    def connection_lost(self, exc: Exception | None) -> None:
        self._calls.clear()
        self._errors.append(f"the store's connection broke: {exc}")
        self._idle.set()

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not False:
            self._took.append(monotonic_ns() - self._calls.popleft())
            if isinstance(reply, list):
                stored = sum(result[0] == Status.OK for result in reply[1:])
                self._acked += stored
                self._refused += len(reply) - 1 - stored
                if self._sending:
                    self._call()
            else:
                self._errors.append(str(reply))
        if not self._calls:
            self._idle.set()


async def main(path: str) -> None:
    """Entry of the process: `path` is the store's Unix socket."""
    loop = asyncio.get_running_loop()
    _, raw = await loop.create_unix_connection(RawStore, path)
    await obey(raw)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
