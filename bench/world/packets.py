"""The router between network namespaces: packets, each of which leaves when it is due.

One namespace for each region, with a tun device in it; this process holds all of them. A packet
that comes out of one goes into the one that it is addressed to, after the delay between the two.
Both ends are the kernel's own TCP: handshakes, slow start, retransmission. A packet that is lost,
or comes to a cut, is gone.

The namespaces have no names: they are held by this process and by those inside, and when these
have ended, however they did, the kernel removes them. It takes commands as JSON lines
(`bench.load.lines`): the coroutines of `Router`.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import gc
import os
import struct
import subprocess
from collections import Counter
from dataclasses import replace
from heapq import heappop, heappush
from random import Random
from time import process_time_ns

from bench.load.histogram import pack
from bench.load.lines import obey

from .clock import exact_loop
from .weather import Way, Weather

CLONE_NEWNET = 0x40000000
"""From linux/sched.h."""
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
"""From linux/if_tun.h."""
DEVICE = "wan"
PACKET_BYTES_MAX = 65_536
DESTINATION = slice(16, 20)
"""Where an IPv4 header says to whom (RFC 791)."""
PACKETS_PER_TURN = 64
SOON = 20e-6
"""Seconds. What is due so soon goes with what is due now."""

libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """A network namespace of one region, and the device in it."""

    def __init__(self, number: int) -> None:
        """Make the `number`-th one. The calling thread must be in its own namespace, and is there
        again afterwards.

        Raises:
            OSError: if the kernel does not let us.
        """
        self.address = f"10.87.0.{number + 1}"
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _call(libc.unshare, CLONE_NEWNET)
            try:
                self.descriptor = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
                self.device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
                name = struct.pack("16sH", DEVICE.encode(), IFF_TUN | IFF_NO_PI)
                fcntl.ioctl(self.device, TUNSETIFF, name)
                self._configure()
            finally:
                _call(libc.setns, home, CLONE_NEWNET)
        finally:
            os.close(home)

    def _configure(self) -> None:
        commands = (
            "link set lo up",
            f"address add {self.address}/24 dev {DEVICE}",
            f"link set {DEVICE} up",
        )
        for one in commands:
            subprocess.run(["ip", *one.split()], check=True, capture_output=True)


class Router:
    """Each public coroutine is a command of the process."""

    def __init__(self) -> None:
        self._regions: dict[str, Namespace] = {}
        self._by_address: dict[bytes, str] = {}
        self._ways: dict[tuple[str, str], Way] = {}
        self._loss: dict[tuple[str, str], float] = {}
        self._cut: set[tuple[str, str]] = set()
        self._lost: set[str] = set()
        self._heap: list[tuple[float, int, str, bytes]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._number = 0
        self._late: Counter[int] = Counter()
        self._dropped = 0
        self._draw = Random(1)

    async def open(
        self, regions: list[str], delays: dict[str, float]
    ) -> dict[str, dict[str, object]]:
        """Make a namespace for each region; `delays` by ``source>dest`` are seconds. Answers the
        address of each region, and the file that `nsenter --net=` takes."""
        loop = asyncio.get_running_loop()
        for number, name in enumerate(regions):
            one = self._regions[name] = Namespace(number)
            self._by_address[bytes(map(int, one.address.split(".")))] = name
            loop.add_reader(one.device, self._read, name)
        for pair, delay in delays.items():
            source, _, dest = pair.partition(">")
            self._ways[source, dest] = Way(Weather(delay), 0.0, 0.0, self._draw)
            self._loss[source, dest] = 0.0
        own = os.getpid()
        return {
            name: {"address": one.address, "namespace": f"/proc/{own}/fd/{one.descriptor}"}
            for name, one in self._regions.items()
        }

    async def cut(self, one: str, other: str) -> None:
        """Drop every packet between two regions, until `heal`."""
        self._cut |= {(one, other), (other, one)}

    async def heal(self, one: str, other: str) -> None:
        """End a cut."""
        self._cut -= {(one, other), (other, one)}

    async def lose(self, region: str) -> None:
        """A region is gone: drop every packet to it and from it, until `restore`."""
        self._lost.add(region)

    async def restore(self, region: str) -> None:
        """A lost region is back."""
        self._lost.discard(region)

    async def change(self, source: str, dest: str, weather: dict[str, float]) -> None:
        """Other weather in one direction; what is lost is dropped."""
        told = Weather(**weather)
        self._loss[source, dest] = told.loss
        self._ways[source, dest].weather = replace(told, loss=0.0)  # TCP stalls by itself

    async def figures(self) -> dict[str, object]:
        """How late packets left since the last call (a packed histogram), how many were dropped
        so far, and CPU seconds so far."""
        late = pack([us * 1_000 for us in self._late.elements()])
        self._late.clear()
        return {"late": late, "dropped": self._dropped, "cpu": process_time_ns() / 1e9}

    def _read(self, source: str) -> None:
        """Packets that want to leave a region."""
        device, now = self._regions[source].device, asyncio.get_running_loop().time()
        for _ in range(PACKETS_PER_TURN):
            try:
                packet = os.read(device, PACKET_BYTES_MAX)
            except BlockingIOError:
                break
            self._send(source, packet, now)

    def _send(self, source: str, packet: bytes, now: float) -> None:
        dest = self._by_address.get(packet[DESTINATION]) if packet[0] >> 4 == 4 else None
        if dest is None or dest == source:
            return  # IPv6's own chatter, or nobody's address
        if self._drops(source, dest):
            self._dropped += 1
            return
        self._number += 1
        due = self._ways[source, dest].due(now, len(packet))
        heappush(self._heap, (due, self._number, dest, packet))
        if self._heap[0][1] == self._number:
            self._arm()

    def _drops(self, source: str, dest: str) -> bool:
        cut = (source, dest) in self._cut or not self._lost.isdisjoint((source, dest))
        return cut or self._draw.random() < self._loss[source, dest]

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(self._heap[0][0], self._deliver) if self._heap else None

    def _deliver(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._heap and self._heap[0][0] <= now + SOON:
            due, _, dest, packet = heappop(self._heap)
            self._late[max(0, round((now - due) * 1e6))] += 1
            try:
                os.write(self._regions[dest].device, packet)
            except BlockingIOError:  # its queue is full: a router drops
                self._dropped += 1
        self._arm()


def _call(function: ctypes._NamedFuncPointer, *arguments: int) -> None:
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function.__name__}: {os.strerror(number)}")


async def main() -> None:
    """Entry of the process."""
    gc.disable()  # a collection is a delay; nothing here makes cycles that matter
    await obey(Router())


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=exact_loop) as runner:
        runner.run(main())
