"""What connections cost that are logged in and do nothing."""

from __future__ import annotations

import time

from . import procfs
from .errors import BenchError
from .load.driver import Generator
from .report import Row
from .systems import NO_STORE, System

SETTLE_SECONDS = 1.0
"""Before memory is read: closed connections are taken apart, allocators give back."""


def rows_of(system: System, generator: Generator, connections: int, seconds: float) -> list[Row]:
    """Open `connections`, and look at the server's memory and, for `seconds`, its CPU.

    Accounts are opened first, and few at a time, so that memory which that needed and gave back
    is not taken for the connections'. The relay has no accounts.

    Raises:
        BenchError: if the server's process is not known.
    """
    server = system.pids.get("server")
    if server is None:
        raise BenchError("idle reads the memory of the hub's process; leave --url out")
    if system.durability != NO_STORE:
        generator.call("register", number=connections, keep=False)
    time.sleep(SETTLE_SECONDS)
    before = procfs.resident_bytes(server)
    if system.durability != NO_STORE:
        generator.call("resume")
    else:
        generator.call("register", number=connections)
    time.sleep(SETTLE_SECONDS)
    each = (procfs.resident_bytes(server) - before) / connections / 1024
    spent, started = procfs.cpu_ns(server), time.monotonic_ns()
    time.sleep(seconds)
    share = (procfs.cpu_ns(server) - spent) / (time.monotonic_ns() - started)
    figures = (
        ("connections", float(connections), ""),
        ("server memory per connection", each, "KB"),
        ("server CPU per 10,000 connections", 1e6 * share / connections, "%"),
    )
    return [Row("idle", system.name, *figure, system.durability, 1) for figure in figures]
