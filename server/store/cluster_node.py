"""One server of a local cluster: supervised, with a port, and with the faults one can give it."""

from __future__ import annotations

import os
import random
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError

from .client import redis_client
from .embedded import EmbeddedStore
from .endpoint import Endpoint, StoreError
from .settings import cluster_settings

HOST = "127.0.0.1"
BUS_OFFSET = 10_000
"""A node's cluster bus listens on its port plus this: the engine's own rule."""
FREE_PORTS = range(10_000, 22_000)
"""Where free ports are looked for: they and their buses stay below what systems give to clients."""
ASK_TIMEOUT = 5.0


@dataclass(frozen=True)
class Member:
    """A node of the cluster as one node sees it."""

    id: str
    primary_id: str
    """Whom it replicates; empty for a primary."""
    flags: frozenset[str]
    slots: tuple[tuple[int, int], ...]
    """Ranges, ends included, in order."""

    @property
    def trusted(self) -> bool:
        """Whether it is known, and neither suspected nor known to be down."""
        return not self.flags & {"fail", "fail?", "handshake", "noaddr"}


class ClusterNode:
    """A server whose data is in `folder`, on `port` of the loopback address.

    `number` counts the nodes from 0, `id` is its name in the cluster, kept over restarts. While
    `running`, a server that ends unexpectedly is started again.
    """

    def __init__(
        self, number: int, folder: Path, port: int, node_timeout_ms: int, more_settings: str = ""
    ) -> None:
        self.number = number
        self.port = port
        self.id = ""
        self.running = False
        self.paused = False
        settings = cluster_settings(port, node_timeout_ms) + more_settings
        self._store = EmbeddedStore(folder, "disk", settings)

    def __repr__(self) -> str:
        return f"<node {self.number} at {self.address}>"

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"{HOST}:{self.port}"

    @property
    def endpoint(self) -> Endpoint:
        """Where clients reach it."""
        return Endpoint(host=HOST, port=self.port)

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._store.pid

    @property
    def restarts(self) -> int:
        """How often the server ended unexpectedly and was started again."""
        return self._store.restarts

    @property
    def answers(self) -> bool:
        """Whether it is meant to answer now: running and not paused."""
        return self.running and not self.paused

    async def start(self) -> None:
        """Start it, or do nothing if it runs. It answers then, but need not be in a cluster yet.

        Raises:
            StoreError: if it does not start.
        """
        if self.running:
            return
        await self._store.start()
        self.running = True
        self.id = (await self.ask("CLUSTER", "MYID")).decode()

    async def stop(self) -> None:
        """End it in order; it stays down until `start`."""
        self.resume()
        self.running = False
        await self._store.stop()

    async def kill(self) -> None:
        """End it by SIGKILL; it stays down until `start`."""
        self._signal(signal.SIGKILL)
        self.running = self.paused = False
        await self._store.stop()

    def pause(self) -> None:
        """Stop it in its tracks (SIGSTOP): connections stay open, and nobody answers."""
        self._signal(signal.SIGSTOP)
        self.paused = True

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        if self.paused:
            self._signal(signal.SIGCONT)
            self.paused = False

    async def ask(self, *command: str | int) -> Any:
        """What it answers to a command, through its own socket.

        Raises:
            StoreError: if it refuses, or does not answer.
        """
        try:
            async with redis_client(self._store.endpoint, timeout=ASK_TIMEOUT) as client:
                return await client.execute_command(*command)  # type: ignore[no-untyped-call]
        except (RedisError, OSError) as error:
            name = " ".join(str(word) for word in command[:2])
            raise StoreError(f"the cluster's node at {self.address}: {name}: {error}") from error

    async def members(self) -> dict[str, Member]:
        """All nodes as it sees them, by id.

        Raises:
            StoreError: if it does not answer.
        """
        lines = (await self.ask("CLUSTER", "NODES")).decode().splitlines()
        return {member.id: member for member in map(_member, lines)}

    def _signal(self, which: signal.Signals) -> None:
        if self.pid is None:
            raise StoreError(f"the cluster's node at {self.address} is not running")
        os.kill(self.pid, which)


def _member(line: str) -> Member:
    """Read a line of ``CLUSTER NODES``: id, address, flags, primary, times, link, slots."""
    id_, _, flags, primary, _, _, _, _, *slots = line.split(" ")
    ranges = []
    for text in slots:
        if not text.startswith("["):  # a slot on its way, of which the engine's own moves tell
            first, _, last = text.partition("-")
            ranges.append((int(first), int(last or first)))
    return Member(
        id=id_,
        primary_id="" if primary == "-" else primary,
        flags=frozenset(flags.split(",")),
        slots=tuple(sorted(ranges)),
    )


def free_ports(count: int) -> int:
    """The first of `count` ports in a row that are free now, and their buses' too.

    Raises:
        StoreError: if there are none.
    """
    for _ in range(100):
        first = random.randrange(FREE_PORTS.start, FREE_PORTS.stop - count)
        ports = range(first, first + count)
        if all(_is_free(port) and _is_free(port + BUS_OFFSET) for port in ports):
            return first
    raise StoreError(f"there are no {count} free ports in a row for a cluster; name one by --port")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
