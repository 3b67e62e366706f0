"""A hub of our own, as a separate process with a store in a temporary directory."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from .wire import Wire, WireError

TELLER = Path(sys.executable).with_name("teller")
START_SECONDS = 30.0
STOP_SECONDS = 15.0


class HubError(Exception):
    """The hub did not start, or a command of it failed; the message is its own last words."""


@dataclass(frozen=True)
class HubProcess:
    """A running hub: where it listens and where its data is."""

    url: str
    data: Path

    async def audit(self) -> str:
        """Replay the books; returns what the audit says.

        Raises:
            HubError: if they do not balance.
        """
        process = await _teller("admin", "audit", "--data", str(self.data))
        output, _ = await asyncio.wait_for(process.communicate(), START_SECONDS)
        if process.returncode != 0:
            raise HubError(f"the audit failed: {output.decode()}")
        return output.decode().strip()


@contextlib.asynccontextmanager
async def hub_process(opening_balance: str, partitions: int) -> AsyncIterator[HubProcess]:
    """Start `teller serve` on a free port, with a new store, and stop it at the end.

    Raises:
        HubError: if it does not come up.
    """
    with tempfile.TemporaryDirectory(prefix="teller-demo-") as folder:
        port, data = _free_port(), Path(folder) / "data"
        options = ["--port", str(port), "--data", str(data), "--opening-balance", opening_balance]
        options += ["--partitions", str(partitions)]
        process = await _teller("serve", *options)
        hub = HubProcess(f"ws://127.0.0.1:{port}/ws", data)
        log = asyncio.create_task(_read_all(process))
        try:
            await _until_up(hub, process, log)
            yield hub
        finally:
            await _stop(process)
            await log


async def _teller(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        str(TELLER),
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def _read_all(process: asyncio.subprocess.Process) -> str:
    """Keep the pipe empty; what was written matters only if the hub fails."""
    assert process.stdout is not None
    return (await process.stdout.read()).decode(errors="replace")


async def _until_up(
    hub: HubProcess, process: asyncio.subprocess.Process, log: asyncio.Task[str]
) -> None:
    try:
        async with asyncio.timeout(START_SECONDS):
            while process.returncode is None:
                with contextlib.suppress(WireError):
                    wire = await Wire.dial(hub.url, None)
                    await wire.close()
                    return
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise HubError(f"the hub did not start within {START_SECONDS:.0f} s") from None
    raise HubError(f"the hub ended:\n{await log}")


async def _stop(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def _free_port() -> int:
    """A port that nobody uses now, below those that systems give to clients."""
    while True:
        port = random.randrange(22_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
