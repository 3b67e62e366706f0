"""A planet of network namespaces: the same delays as `line`'s, under the kernel's own TCP.

Needs root, `/dev/net/tun`, `ip` and `nsenter`; `lacks` says what is missing elsewhere.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..load.driver import Generator
from .packets import CLONE_NEWNET
from .planet import Planet

ECHO, IP_HEADER = 8, 20
"""ICMP's type of a request (RFC 792), and the bytes before ICMP's own in what is received."""
PING_SECONDS = 5


@dataclass(frozen=True)
class Place:
    """A region in a namespace of its own."""

    name: str
    address: str
    """Where it is reached from the other regions."""
    namespace: str
    """The file that is its namespace, as long as the router runs."""

    def command(self, *words: str) -> list[str]:
        """The command that runs another one there."""
        return [shutil.which("nsenter") or "nsenter", f"--net={self.namespace}", "--", *words]


@dataclass(frozen=True)
class Places:
    """All regions, and the router between them (`packets.Router`)."""

    router: Generator
    by_name: dict[str, Place]


def lacks() -> str | None:
    """What is missing here for namespaces, or nothing."""
    if sys.platform != "linux":
        return "network namespaces are Linux's"
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not Path("/dev/net/tun").exists():
        return "there is no /dev/net/tun"
    for tool in ("ip", "nsenter"):
        if shutil.which(tool) is None:
            return f"{tool} is not on the PATH"
    return None


@contextmanager
def places(names: Sequence[str], planet: Planet) -> Iterator[Places]:
    """A namespace for each region, as far from each other as the planet says. They are gone when
    the router and what runs inside have ended, also where these are killed.

    Raises:
        BenchError: if the kernel does not let us.
    """
    delays = {f"{a}>{b}": planet.one_way(a, b) for a, b in planet.pairs(names)}
    with Generator("bench.world.packets") as router:
        opened = router.call("open", regions=list(names), delays=delays)
        yield Places(router, {name: Place(name, **told) for name, told in opened.items()})


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """This thread is in the namespace that this file is; sockets that it makes now stay there.

    Raises:
        OSError: if the router has ended.
    """
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _enter(namespace)
        try:
            yield
        finally:
            _enter(f"/proc/self/fd/{home}")
    finally:
        os.close(home)


def ping(source: Place, dest: Place, number: int) -> list[float]:
    """Round trips of so many ICMP echoes, in seconds; the kernel there answers.

    Raises:
        TimeoutError: if one does not come back.
    """
    found = []
    with inside(source.namespace):
        line = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    with line:
        line.settimeout(PING_SECONDS)
        for ordinal in range(number):
            body = struct.pack("!HH", os.getpid() & 0xFFFF, ordinal)
            header = struct.pack("!BBH", ECHO, 0, _checksum(struct.pack("!BBH", ECHO, 0, 0) + body))
            began = time.perf_counter()
            line.sendto(header + body, (dest.address, 0))
            while line.recv(1_500)[IP_HEADER + len(header) :] != body:
                pass  # somebody else's
            found.append(time.perf_counter() - began)
    return found


def _checksum(header: bytes) -> int:
    """Internet checksum (RFC 1071)."""
    total = sum(int.from_bytes(header[at : at + 2], "big") for at in range(0, len(header), 2))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def _enter(namespace: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(namespace, os.O_RDONLY)
    try:
        if libc.setns(descriptor, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(descriptor)
