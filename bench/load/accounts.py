"""The accounts that a generator has, and the storms in which they come and go."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic_ns, process_time_ns
from typing import TypeVar

from .connection import Connection
from .dialects.base import RefusedError
from .histogram import pack

T = TypeVar("T")
LOOK_SECONDS = 0.01
"""How often it is looked whether something waited for has come."""
GONE_SECONDS = 5.0


@dataclass
class Account:
    """Somebody at the system under test."""

    name: str
    number: int
    """Among those of all processes, from 0."""
    at: int = 0
    """Which of the system's addresses it dials, counted round and round."""
    token: str = ""
    cursors: dict[str, int] = field(default_factory=dict)
    """Per mailbox: the number of the last entry seen."""
    connection: Connection | None = None
    missed: dict[int, int] = field(default_factory=dict)
    """What was sent to it while it was away: operation to sender."""


@dataclass
class Storm:
    """Many coming in at once."""

    connect_ns: list[int] = field(default_factory=list)
    """How long each took, from the first packet to being in."""
    refused: list[str] = field(default_factory=list)
    seconds: float = 0.0
    generator_cpu: float = 0.0

    async def play(
        self, come: Callable[[Account], Awaitable[None]], who: Iterable[Account], at_once: int
    ) -> None:
        """Let each of them `come`, so many at a time."""

        async def timed(account: Account) -> None:
            begun = monotonic_ns()
            try:
                await come(account)
            except (RefusedError, OSError, TimeoutError) as error:
                self.refused.append(f"{account.name}: {error}")
            else:
                self.connect_ns.append(monotonic_ns() - begun)

        begun, spent = monotonic_ns(), process_time_ns()
        with undisturbed():
            await each(timed, who, at_once)
        elapsed = monotonic_ns() - begun
        self.seconds = elapsed / 1e9
        self.generator_cpu = (process_time_ns() - spent) / max(1, elapsed)

    def figures(self) -> dict[str, object]:
        """What is answered of it."""
        return {
            "connected": len(self.connect_ns),
            "seconds": self.seconds,
            "connect": pack(self.connect_ns),
            "generator_cpu": self.generator_cpu,
            "errors": self.refused[:5],
        }


async def each(do: Callable[[T], Awaitable[None]], these: Iterable[T], at_once: int) -> None:
    """Do it for each of them, so many at a time, in order of beginning. The first error ends it."""
    rest = iter(these)

    async def some() -> None:
        for one in rest:
            await do(one)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(some())
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def hang_up(connections: list[Connection]) -> None:
    """Cut all these connections at once, and wait until they are gone."""
    for connection in connections:
        connection.transport.abort()
    await until(lambda: all(connection.broken for connection in connections), GONE_SECONDS)


async def until(reached: Callable[[], bool], seconds: float) -> None:
    """Wait until it is so, but no longer than that."""
    deadline = monotonic_ns() + seconds * 1e9
    while not reached():
        if monotonic_ns() > deadline:
            break
        await asyncio.sleep(LOOK_SECONDS)


@contextmanager
def undisturbed() -> Iterator[None]:
    """No garbage collection: a pause of the generator would be taken for one of the system."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
