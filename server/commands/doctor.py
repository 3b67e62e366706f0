"""`teller doctor`: is this machine, and its store, fit to keep people's money?

Every check prints one line, ``ok``, ``warn`` or ``FAIL``, with what to do about it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from redis.exceptions import RedisClusterException, RedisError

from ..ledger.lane_state import Fault
from ..seal.opening import examine
from ..store.binary import binary_version, find_binary
from ..store.check import StoreFacts, StorePulse, check_server, check_store, read_facts, take_pulse
from ..store.client import redis_client
from ..store.cluster_shape import SLOTS
from ..store.directory import DataDirectory
from ..store.discovery import is_cluster, primaries
from ..store.endpoint import Endpoint, StoreError, parse_url
from .lanes import in_order, lane_states, sentence
from .maintenance import opened_shelf

PYTHON_MIN = (3, 11)
FILES_RESERVED = 64
"""Open files that the hub needs for itself: libraries, listener, store, logs."""
FILES_LOW = 4096
FREE_SPACE_MIN, FREE_SPACE_LOW = 64 << 20, 1 << 30
"""Bytes: less than the first is a failure, less than the second a warning."""
SYNC_SAMPLES = 20
SYNC_SLOW, SYNC_UNBELIEVABLE = 0.020, 0.00002
"""Seconds for one sync: slower holds up every post; faster means that nothing was written."""
ROUND_TRIP_SLOW = 0.005
CLOCK_DIFFERENCE_MAX = 1.0
"""Seconds between the store's clock, which stamps the entries, and this machine's."""


class Report:
    """Prints the checks' outcomes and remembers whether one failed."""

    def __init__(self, out: Callable[[str], None]) -> None:
        self._out = out
        self.failed = False

    def ok(self, text: str) -> None:
        """Nothing to do."""
        self._out(f"ok    {text}")

    def warn(self, text: str) -> None:
        """Works, but is worth a look."""
        self._out(f"warn  {text}")

    def fail(self, text: str) -> None:
        """Teller will not run well or not at all."""
        self._out(f"FAIL  {text}")
        self.failed = True


async def run_doctor(
    data: Path, store_url: str | None, out: Callable[[str], None], keys: str | None = None
) -> int:
    """Check everything, one line each to `out`; 0 if nothing failed, else 1.

    With a `store_url` that store is checked, otherwise the embedded one in `data` if it runs.
    `keys`: where those of people's words are, if not in `data`.
    """
    report = Report(out)
    _check_python(report)
    _check_open_files(report)
    if store_url is None:
        _check_binary(report)
        directory = DataDirectory(data)
        running = _check_directory(report, directory)
        if running:
            await _check_store(report, Endpoint(unix_path=str(directory.socket)), embedded=True)
            await _check_lanes(report, data, None)
    else:
        try:
            endpoint = parse_url(store_url)
            servers = await primaries(endpoint)
            for server in servers:
                await _check_store(report, server, embedded=False)
            if await is_cluster(endpoint):
                await _check_cluster(report, servers)
            await _check_lanes(report, data, store_url)
        except StoreError as error:
            report.fail(str(error))
    fit, text = await examine(keys, data)
    (report.ok if fit else report.fail)(text)
    _check_monotonic(report)
    return 1 if report.failed else 0


def _check_python(report: Report) -> None:
    version = sys.version.split()[0]
    if sys.version_info < PYTHON_MIN:
        report.fail(f"Python {version}: Teller needs 3.11 or newer")
    else:
        report.ok(f"Python {version}")
    for module, use in (
        ("uvloop", "the event loop"),
        ("websockets.speedups", "unmasking of frames in C"),
        ("hiredis", "the store's protocol in C"),
    ):
        try:
            importlib.import_module(module)
        except ImportError as error:
            report.warn(f"{module}, {use}, cannot be used ({error}); install Teller again")
        else:
            report.ok(f"{module}, {use}")


def _check_open_files(report: Report) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        report.ok("open files: no limit")
        return
    text = f"open files: {soft}, enough for about {max(0, soft - FILES_RESERVED)} connections"
    most = "any number" if hard == resource.RLIM_INFINITY else str(hard)
    if soft < FILES_LOW:
        report.warn(f"{text}; raise it with `ulimit -n` (up to {most}) before the start")
    else:
        report.ok(f"{text} (may be raised to {most})")


def _check_binary(report: Report) -> None:
    try:
        binary = find_binary()
        report.ok(f"store program: {binary_version(binary)} in {binary}")
    except StoreError as error:
        report.fail(str(error))


def _check_directory(report: Report, directory: DataDirectory) -> bool:
    """Check the data directory; say whether a hub and its store are using it."""
    path = directory.path
    try:
        existing = next(place for place in (path, *path.parents) if place.exists())
        _check_disk(report, existing)
        holder = directory.hub_lock.holder()
    except OSError as error:
        report.fail(f"{directory.refusal(error)}; choose another with --data")
        return False
    if holder:
        report.ok(f"data directory {path} is in use by a hub, process {holder}")
    elif existing == path:
        report.ok(f"data directory {path} is free for a hub")
    else:
        report.ok(f"data directory {path} will be made at the first start")
    return holder is not None


def _check_disk(report: Report, path: Path) -> None:
    """Free space, and whether a sync takes as long as a real one does."""
    free = shutil.disk_usage(path).free
    text = f"disk space: {free >> 20} MB free in {path}"
    if free < FREE_SPACE_MIN:
        report.fail(f"{text}; the store stops when it can write no more: make room")
    elif free < FREE_SPACE_LOW:
        report.warn(f"{text}; make room before it runs out")
    else:
        report.ok(text)
    seconds = _sync_time(path)
    text = f"disk sync: {seconds * 1000:.2f} ms (median of {SYNC_SAMPLES})"
    if seconds > SYNC_SLOW:
        report.warn(f"{text}; every post waits for it: use a faster disk")
    elif seconds < SYNC_UNBELIEVABLE:
        report.warn(f"{text}; too fast for a disk: is {path} in memory? Posts would not survive")
    else:
        report.ok(text)


def _sync_time(path: Path) -> float:
    """Median seconds to make 128 appended bytes durable in `path`."""
    sync = getattr(os, "fdatasync", os.fsync)
    samples = []
    with tempfile.TemporaryFile(dir=path) as file:
        for _ in range(SYNC_SAMPLES):
            os.write(file.fileno(), bytes(128))
            start = time.perf_counter()
            sync(file.fileno())
            samples.append(time.perf_counter() - start)
    return statistics.median(samples)


async def _check_store(report: Report, endpoint: Endpoint, *, embedded: bool) -> None:
    async with redis_client(endpoint) as client:
        try:
            facts = await read_facts(client)
            _report_facts(report, endpoint, facts)
            check_server(facts)
            _report_pulse(report, await take_pulse(client))
        except StoreError as error:
            report.fail(f"store at {endpoint}: {error}")
            return
        try:
            await check_store(client, "disk")
            report.ok(f"store settings: appendfsync {facts.appendfsync}, {facts.policy}")
        except StoreError as error:
            if embedded:  # our own settings: less than "disk" is what its operator asked for
                report.warn(
                    "store settings: the hub runs without --durability disk; a crash of "
                    "the machine may lose acknowledged posts"
                )
            else:
                report.fail(f"store settings: {error}")


async def _check_cluster(report: Report, servers: list[Endpoint]) -> None:
    """Whether every slot is served, and every primary has somebody to take over from it."""
    facts: dict[str, str] = {}
    for server in servers:
        # Who does not answer was reported already, and the others speak for the cluster.
        with contextlib.suppress(RedisError, OSError):
            async with redis_client(server) as client:
                if not (await client.info("replication"))["connected_slaves"]:
                    report.warn(f"store at {server}: has no replica, so nobody can take over")
                facts = await client.execute_command("CLUSTER INFO")  # type: ignore[no-untyped-call]
    if facts:
        slots = f"{facts['cluster_slots_ok']} of {SLOTS} slots served"
        text = f"cluster: {facts['cluster_state']}, {len(servers)} primaries, {slots}"
        well = facts["cluster_state"] == "ok" and facts["cluster_slots_ok"] == str(SLOTS)
        (report.ok if well else report.fail)(text)


async def _check_lanes(report: Report, data: Path, store_url: str | None) -> None:
    """Whether everything goes from partition to partition, where there are several."""
    good = 0
    # Who does not answer was reported already.
    with contextlib.suppress(RedisError, RedisClusterException, OSError, StoreError):
        async with opened_shelf(data, store_url, load=False) as shelf:
            async for state, age_ms in lane_states(shelf):
                if in_order(state, age_ms):
                    good += 1
                else:
                    broken = state.fault is not Fault.NONE
                    (report.fail if broken else report.warn)(sentence(state, age_ms))
        if good:
            report.ok(f"lanes between partitions: {good} in order")


def _report_facts(report: Report, endpoint: Endpoint, facts: StoreFacts) -> None:
    text = f"store at {endpoint}: {facts.server} {facts.version}, {facts.memory_used >> 20} MB used"
    if facts.memory_limit and facts.memory_used > 0.8 * facts.memory_limit:
        report.warn(f"{text} of {facts.memory_limit >> 20} MB; it refuses posts when it is full")
    else:
        report.ok(text)


def _report_pulse(report: Report, pulse: StorePulse) -> None:
    text = f"store round trip: {pulse.round_trip * 1000:.2f} ms"
    if pulse.round_trip > ROUND_TRIP_SLOW:
        report.warn(f"{text}; every post waits for it: bring the store nearer")
    else:
        report.ok(text)
    text = f"clocks: the store's and this machine's differ by {pulse.clock_difference:.3f} s"
    if pulse.clock_difference > CLOCK_DIFFERENCE_MAX:
        report.warn(f"{text}; entries carry the store's time: let NTP set both")
    else:
        report.ok(text)


def _check_monotonic(report: Report) -> None:
    clock = time.get_clock_info("monotonic")
    text = f"monotonic clock: resolution {clock.resolution * 1e6:.3f} µs"
    (report.ok if clock.monotonic and not clock.adjustable else report.warn)(text)
