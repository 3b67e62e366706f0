"""The store's own ceiling: the ledger's function driven straight, by a pipelined raw client.

No hub and no sockets of clients: what the store can do at most with the same calls that the hub
makes. It shares with the hub what packs a call, or it would not be the same function. `client`
starts it as a process of its own, whose one command is `RawStore.load`.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import monotonic_ns, process_time_ns
from typing import Any, cast

import hiredis
import uvloop

from bench.load.dialects.base import CURRENCY
from bench.load.driver import Generator
from bench.load.lines import obey
from bench.procfs import cpu_ns
from protocol.frames import Message, Payment
from server.commit.pipeline import POSTS_PER_CALL
from server.ledger.entries import digest_of, encode_entry, entry_of
from server.ledger.keys import Keyspace
from server.ledger.posts import Post, pack_call, results
from server.ledger.status import Status

from .figures import Window, figures
from .traffic import Traffic

KEYS = Keyspace()
CALLS_IN_FLIGHT = 4
"""More than the hub has, so that the store never waits for its client."""
DRAIN_SECONDS = 15


def client(socket: Path) -> Generator:
    """A process that drives the store whose Unix socket is `socket`."""
    return Generator("bench.limits.store", str(socket))


def post(number: int, kind: str, sender: str, to: str, text: str) -> Post:
    """The post that the hub would make of a payment of one minor unit, or of a message."""
    id = f"{number:012d}"
    money = kind == "payment"
    frame = Payment(id, to, 1, CURRENCY) if money else Message(id, to, text)
    body = encode_entry(entry_of(frame, sender))
    mine, theirs = KEYS.of(sender), KEYS.of(to)
    return Post(
        frame,
        id,
        origin=None,
        who=sender,
        mark=mine.marks + id.encode(),
        digest=digest_of(body),
        body=body,
        sender=mine if money else None,
        to=theirs,
        amount=1 if money else 0,
        currency=CURRENCY if money else "",
        box=sender,
        boxes=(mine.box, theirs.box),
        names=(sender, to),
    )


class RawStore(asyncio.Protocol):
    """A pipelined connection that keeps some calls on their way."""

    def __init__(self) -> None:
        self._next = 1
        self._posts = POSTS_PER_CALL
        self._traffic = Traffic((), {}, "pair", 1)
        self._text = ""
        self._calls: deque[tuple[int, Sequence[str], list[Post]]] = deque()
        """Of each call on its way: when it was sent, and the kinds of its posts."""
        self._sending = False
        self._idle = asyncio.Event()
        self._acked: Counter[str] = Counter()
        self._refused = 0
        self._took: dict[str, list[int]] = {}
        self._errors: list[str] = []

    async def load(
        self,
        people: list[str],
        kinds: dict[str, int],
        seconds: float,
        warm_up: float,
        pids: dict[str, int],
        to: str = "pair",
        depth: int = 1,
        size: int = 100,
        rate: float | None = None,
        posts: int = POSTS_PER_CALL,
        calls: int = CALLS_IN_FLIGHT,
        **plan: Any,
    ) -> dict[str, Any]:
        """A window of ``payment`` and ``message`` posts, by their weights in `kinds`, among
        `people` (the names that the generator's `enter` gave), `depth` by each in turn: the calls
        that a hub makes whose clients have so many in flight. A call has `posts` posts, and
        `calls` of them are on their way.

        Raises:
            ValueError: if `rate` is given, for a ceiling is found in closed loop.
        """
        del plan  # what else is in it has no meaning here
        if rate:
            raise ValueError("the store's ceiling is what a closed loop finds")
        first, store = self._next, pids["store"]
        self._posts = posts
        self._begin(
            Traffic([f"@{one}" for one in people], kinds, to, depth), "x" * size, kinds, calls
        )
        await asyncio.sleep(warm_up)
        for each in self._took.values():
            each.clear()
        began, own, cpu, done = monotonic_ns(), process_time_ns(), cpu_ns(store), +self._acked
        await asyncio.sleep(seconds)
        elapsed, own, cpu = monotonic_ns() - began, process_time_ns() - own, cpu_ns(store) - cpu
        acked = self._acked - done
        took = {kind: list(each) for kind, each in self._took.items()}
        await self._drain()
        sent = self._next - first
        lost = sent - self._acked.total() - self._refused
        faults = {"refused": self._refused, "unacknowledged": lost}
        window = Window(elapsed, sent, own, {"store": cpu}, faults, self._errors)
        return figures(window, took, {kind: acked[kind] for kind in kinds})

    def _begin(self, traffic: Traffic, text: str, kinds: Iterable[str], calls: int) -> None:
        self._traffic, self._text, self._sending = traffic, text, True
        self._took = {kind: [] for kind in kinds}
        self._acked.clear()
        self._refused = 0
        self._errors.clear()
        self._idle.clear()
        for _ in range(calls):
            self._call()

    async def _drain(self) -> None:
        self._sending = False
        await asyncio.wait_for(self._idle.wait(), DRAIN_SECONDS)

    def _call(self) -> None:
        first = self._next
        self._next += self._posts
        drawn = [self._traffic.draw(n) for n in range(first, self._next)]
        posts = [post(n, *one, self._text) for n, one in enumerate(drawn, first)]
        self._calls.append((monotonic_ns(), [kind for kind, _, _ in drawn], posts))
        call: tuple[Any, ...] = tuple(pack_call(posts))
        self._transport.write(hiredis.pack_command(call))

    def _answered(self, reply: object) -> None:
        sent_at, kinds, posts = self._calls.popleft()
        if not isinstance(reply, list):
            self._errors.append(str(reply))
            return
        took = monotonic_ns() - sent_at
        for kind in set(kinds):
            self._took[kind].append(took)
        answers = zip(kinds, results(posts, reply), strict=True)
        stored = [kind for kind, result in answers if _ok(result)]
        self._acked.update(stored)
        self._refused += len(kinds) - len(stored)
        if self._sending:
            self._call()

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
            self._answered(reply)
        if not self._calls:
            self._idle.set()


def _ok(result: list[Any]) -> bool:
    return bool(result[0] == Status.OK)


async def main(path: str) -> None:
    """Entry of the process: `path` is the store's Unix socket."""
    loop = asyncio.get_running_loop()
    _, raw = await loop.create_unix_connection(RawStore, path)
    await obey(raw)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
