"""From hub to hub: through the store's sharded channels, or straight over a socket.

Two processes, each with the hub's own connection to a real store, or with a Unix socket between
them. The teller sends entries at a steady pace, several in one publication as a call's answer
brings them; the hearer takes them apart. CPU is that of the processes themselves, per entry.
`python -m bench.limits.relay` prints the table of docs/performance.md.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from struct import Struct
from time import monotonic_ns, process_time_ns

import uvloop

from bench.procfs import cpu_ns
from server.store.connection import Listener, Wire, dial
from server.store.embedded import EmbeddedStore
from server.store.endpoint import parse_url

CHANNEL = b"{p0}m:@bob"
ENTRY = b"x" * 220
"""About what a message of 100 characters takes, with its time."""
ENTRIES_PER_S = 8_000
SECONDS = 3
PACE_S = 0.001
"""What is due is sent so often; it costs the teller a little, whatever the way."""
BATCHES = (1, 8, 64)
_HEAD = Struct(">BQI")
_STAMP = Struct(">QI")


@dataclass
class Heard:
    """What the hearer measured."""

    entries: int = 0
    cpu_ns: int = 0
    delays_ns: list[int] | None = None

    def delay_us(self, share: float) -> float:
        """The delay that `share` of the publications keep."""
        delays = sorted(self.delays_ns or [0])
        return delays[int(share * (len(delays) - 1))] / 1000


class Hearer(Listener):
    """Takes publications apart."""

    def __init__(self) -> None:
        self.heard = Heard(delays_ns=[])
        self.message = self._take

    def _take(self, name: bytes, payload: bytes) -> None:
        del name
        sent, count = _STAMP.unpack_from(payload)
        at = _STAMP.size
        for _ in range(count):
            _, _, length = _HEAD.unpack_from(payload, at)
            at += _HEAD.size + length
        assert self.heard.delays_ns is not None
        self.heard.delays_ns.append(monotonic_ns() - sent)
        self.heard.entries += count


class _Stream(asyncio.Protocol):
    """Publications behind their length, on a socket."""

    def __init__(self, hearer: Hearer) -> None:
        self._hearer = hearer
        self._tail = b""

    def data_received(self, data: bytes) -> None:
        data, at = self._tail + data, 0
        while len(data) - at >= 4:
            end = at + 4 + int.from_bytes(data[at : at + 4])
            if end > len(data):
                break
            self._hearer.message(CHANNEL, data[at + 4 : end])
            at = end
        self._tail = data[at:]


def publication(count: int) -> bytes:
    """`count` entries, with the time."""
    part = _HEAD.pack(0, 7, len(ENTRY)) + ENTRY
    return _STAMP.pack(monotonic_ns(), count) + part * count


def hear(way: str, address: str, pipe: Connection) -> None:
    """The hearer's process: until the pipe says that all was sent."""
    uvloop.run(_hear(way, address, pipe))


async def _hear(way: str, address: str, pipe: Connection) -> None:
    hearer = Hearer()
    loop = asyncio.get_running_loop()
    if way == "store":
        wire = await dial(parse_url(address), hearer)
        wire.subscribe([CHANNEL], lambda refused: sys.exit(str(refused)))
        await wire.request("PING")
    else:
        await loop.create_unix_server(lambda: _Stream(hearer), address)
    pipe.send("ready")
    began = process_time_ns()
    done = asyncio.Event()
    loop.add_reader(pipe.fileno(), done.set)
    await done.wait()
    hearer.heard.cpu_ns = process_time_ns() - began
    pipe.send(hearer.heard)


async def tell(way: str, address: str, batch: int) -> tuple[int, int]:
    """Send at the pace; entries sent, and the CPU that it took."""
    loop = asyncio.get_running_loop()
    wire: Wire | None = None
    if way == "store":
        wire = await dial(parse_url(address), Listener())
    else:
        transport, _ = await loop.create_unix_connection(asyncio.Protocol, address)
    sent, began, start = 0, process_time_ns(), loop.time()
    while (now := loop.time()) - start < SECONDS:
        while sent < (now - start) * ENTRIES_PER_S:
            payload = publication(batch)
            if wire is not None:
                wire.send(("SPUBLISH", CHANNEL, payload), lambda reply: None)
            else:
                transport.write(len(payload).to_bytes(4) + payload)
            sent += batch
        await asyncio.sleep(PACE_S)
    if wire is not None:
        await wire.request("PING")
    return sent, process_time_ns() - began


async def measure(way: str, batch: int, store: EmbeddedStore, folder: Path) -> str:
    """One line of the table."""
    address = str(store.endpoint) if way == "store" else str(folder / f"{way}-{batch}.sock")
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=hear, args=(way, address, theirs))
    process.start()
    await asyncio.to_thread(ours.recv)
    assert store.pid is not None
    before = cpu_ns(store.pid)
    sent, cpu = await tell(way, address, batch)
    await asyncio.sleep(0.2)
    in_store = cpu_ns(store.pid) - before
    ours.send("done")
    heard: Heard = await asyncio.to_thread(ours.recv)
    process.join()
    if heard.entries != sent:
        raise SystemExit(f"{way}: {heard.entries} of {sent} entries arrived")
    costs = [cost / sent / 1000 for cost in (cpu, heard.cpu_ns, in_store)]
    delays = [heard.delay_us(share) for share in (0.5, 0.99)]
    cells = [f"{cost:.1f}" for cost in costs] + [f"{delay:.0f}" for delay in delays]
    return f"| {way} | {batch} | {' | '.join(cells)} |"


async def main() -> None:
    """Print the table."""
    print("| way | entries together | teller µs | hearer µs | store µs | p50 µs | p99 µs |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddedStore(Path(folder) / "data", "disk")
        await store.start()
        try:
            for batch in BATCHES:
                for way in ("store", "socket"):
                    print(await measure(way, batch, store, Path(folder)), flush=True)
        finally:
            await store.stop()


if __name__ == "__main__":
    uvloop.run(main())
