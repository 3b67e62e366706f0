"""One run of the embedded store's server: started, awaited, ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from pathlib import Path

import structlog
from redis.exceptions import BusyLoadingError, RedisError

from .binary import find_binary
from .client import redis_client
from .directory import DataDirectory
from .endpoint import Endpoint, StoreError

OLD_SERVER_WAIT = 10.0
"""Seconds for the server of a killed hub to sync its last writes and go."""
FIRST_ANSWER_WAIT = 10.0
"""Seconds without any answer after which a start has failed. Loading data may take longer."""
TERMINATE_WAIT = 10.0
"""Seconds from SIGTERM to SIGKILL."""
POLL_INTERVAL = 0.02
"""Seconds between two looks at a lock, or two attempts to connect."""

_ALLOCATOR = "glibc.malloc.tcache_count=1000:glibc.malloc.trim_threshold=67108864"
"""For the allocator of glibc, which the bundled server uses. A call of the ledger makes and frees
thousands of small strings: keeping more of them at hand, and giving back memory only above 64 MiB,
takes 6 % off its instructions and two thirds of the calls of `brk`. Other C libraries ignore it."""

_LEASH = Path(__file__).with_name("leash.py")

log = structlog.get_logger(__name__)


async def spawn(directory: DataDirectory) -> Process:
    """Start the server of `directory`, as soon as an earlier one is gone.

    Raises:
        StoreError: if there is no server program, or an earlier server does not go.
        OSError: if the directory cannot be written.
    """
    binary = find_binary()
    lock = directory.server_lock
    await _await_earlier_server(directory)
    try:
        directory.rotate_log()
        with directory.log_file.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", _LEASH, str(os.getpid()), str(lock.fileno())),
                *(binary, directory.config_file),
                stdin=DEVNULL,
                stdout=output,
                stderr=STDOUT,
                env={"GLIBC_TUNABLES": _ALLOCATOR, **os.environ},
                start_new_session=True,  # the terminal's Ctrl-C is the hub's: it drains first
                pass_fds=(lock.fileno(),),
            )
    finally:
        lock.close()  # from here on the server alone holds it


async def await_ready(process: Process, directory: DataDirectory) -> None:
    """Return when the server answers and has loaded its data.

    Raises:
        StoreError: if it ends instead, or does not answer at all.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + FIRST_ANSWER_WAIT
    client = redis_client(Endpoint(unix_path=str(directory.socket)), timeout=2.0)
    try:
        while process.returncode is None:
            try:
                await client.ping()
                return
            except BusyLoadingError:
                deadline = loop.time() + FIRST_ANSWER_WAIT
            except (RedisError, OSError) as error:
                if loop.time() > deadline:
                    raise StoreError(f"the store's server does not answer: {error}") from error
            await asyncio.sleep(POLL_INTERVAL)
    finally:
        await client.aclose()
    raise StoreError(
        f"the store's server ended while starting ({how_it_ended(process)}). "
        f"The end of its log, {directory.log_file}:\n{directory.log_tail()}"
    )


async def terminate(process: Process) -> None:
    """End the server: SIGTERM, upon which it syncs its data, and SIGKILL if that takes too long."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), TERMINATE_WAIT)
    except TimeoutError:
        log.error("the store's server does not end by SIGTERM; killing it", pid=process.pid)
        process.kill()
        await process.wait()


def how_it_ended(process: Process) -> str:
    """The exit code, or the name of the signal, of a server that has ended."""
    code = process.returncode
    if code is None or code >= 0:
        return f"exit code {code}"
    return signal.Signals(-code).name


async def _await_earlier_server(directory: DataDirectory) -> None:
    """Take the server's lock, which an earlier server holds until it has ended."""
    if directory.server_lock.acquire():
        return
    await _shut_down(Endpoint(unix_path=str(directory.socket)))
    loop = asyncio.get_running_loop()
    deadline = loop.time() + OLD_SERVER_WAIT
    while not directory.server_lock.acquire():
        if loop.time() > deadline:
            raise StoreError(
                f"a store's server of an earlier run still writes in {directory.path} "
                f"(process {directory.server_pid()}); end it, then start again"
            )
        await asyncio.sleep(POLL_INTERVAL)


async def _shut_down(endpoint: Endpoint) -> None:
    """Ask a server to go. On Linux it does so by itself; elsewhere it outlives a killed hub."""
    client = redis_client(endpoint, timeout=2.0)
    with contextlib.suppress(RedisError, OSError):
        await client.shutdown()
    await client.aclose()
