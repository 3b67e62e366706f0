"""The loopback itself: frames to an echo and back, over bare TCP or the hub's WebSocket transport.

`started` runs the echo, `client` a process that loads it, whose one command is `Client.load`.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic_ns, process_time_ns
from typing import Any, Literal, cast

import uvloop

from bench import systems
from bench.errors import BenchError
from bench.load.driver import Generator
from bench.load.lines import obey
from bench.load.wire import TEXT, handshake, masked
from bench.procfs import cpu_ns
from bench.systems import NO_STORE, System

from .figures import Window, figures

PROGRAM = Path(__file__).parent.parent / "peers" / "programs" / "echo.py"
DRAIN_SECONDS = 15

Framing = Literal["tcp", "websocket"]


@contextmanager
def started(framing: Framing) -> Iterator[System]:
    """An echo on 127.0.0.1; its `dialect` is its framing.

    Raises:
        BenchError: if it does not start.
    """
    command = [sys.executable, str(PROGRAM), framing]
    with systems.process(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        line = child.stdout.readline().strip()
        if not line.isdigit():
            raise BenchError("the echo did not start")
        pids = {"server": child.pid}
        yield System(f"echo {framing}", "127.0.0.1", int(line), NO_STORE, pids, dialect=framing)


def client(echo: System) -> Generator:
    """A process that loads `echo`."""
    return Generator("bench.limits.echo", echo.host, str(echo.port), echo.dialect)


class Line(asyncio.Protocol):
    """A connection that keeps frames on their way."""

    def __init__(self, host: str, port: int, framing: Framing) -> None:
        self._request = handshake(host, port) if framing == "websocket" else b""
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.took: list[int] = []
        self.sent = self.done = 0
        self.sending = False
        self._frame, self._answer, self._bytes = b"", 1, 0
        self._sent_at: deque[int] = deque()

    def begin(self, frame: bytes, answer: int, depth: int) -> None:
        """Keep `depth` times `frame` on its way; `answer` is how many bytes come back for one."""
        self._frame, self._answer, self.sending = frame, answer, True
        self.sent = self.done = self._bytes = 0
        self._send(depth, monotonic_ns())

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def _send(self, number: int, now: int) -> None:
        self.sent += number
        self._sent_at.extend([now] * number)
        self._transport.write(self._frame * number)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._request:
            self._transport.write(self._request)
        else:
            self.ready.set_result(None)

    def data_received(self, data: bytes) -> None:
        if not self.ready.done():
            if data.endswith(b"\r\n\r\n"):
                self.ready.set_result(None)
            return
        self._bytes += len(data)
        whole = self._bytes // self._answer - self.done
        if not whole:
            return
        now = monotonic_ns()
        self.done += whole
        self.took += [now - self._sent_at.popleft() for _ in range(whole)]
        if self.sending:
            self._send(whole, now)


class Client:
    """The connections to one echo."""

    def __init__(self, host: str, port: int, framing: Framing) -> None:
        self._host, self._port, self._framing = host, port, framing
        self._lines: list[Line] = []

    async def load(
        self,
        seconds: float,
        warm_up: float,
        pids: dict[str, int],
        connections: int = 100,
        depth: int = 8,
        size: int = 100,
        **plan: Any,
    ) -> dict[str, Any]:
        """A window in which each of `connections` has `depth` frames of `size` bytes on their
        way. A frame there and back is one operation."""
        del plan  # what else is in it has no meaning here
        while len(self._lines) < connections:
            self._lines.append(await self._open())
        lines = self._lines[:connections]
        frame = masked(TEXT, b"x" * size) if self._framing == "websocket" else b"x" * size
        answer = len(frame) - 4 if self._framing == "websocket" else size  # it has no mask
        for line in lines:
            line.begin(frame, answer, depth)
        await asyncio.sleep(warm_up)
        for line in lines:
            line.took.clear()
        server = pids["server"]
        began, own, cpu = monotonic_ns(), process_time_ns(), cpu_ns(server)
        await asyncio.sleep(seconds)
        elapsed, own, cpu = monotonic_ns() - began, process_time_ns() - own, cpu_ns(server) - cpu
        took = [ns for line in lines for ns in line.took]
        lost = await self._drain(lines)
        sent = sum(line.sent for line in lines)
        window = Window(elapsed, sent, own, {"server": cpu}, {"lost": lost})
        return figures(window, {"frame": took})

    def close(self) -> None:
        """Hang up everywhere."""
        for line in self._lines:
            line.close()

    async def _drain(self, lines: list[Line]) -> int:
        """Wait for what is on its way; how many frames did not come back."""
        for line in lines:
            line.sending = False
        deadline = monotonic_ns() + DRAIN_SECONDS * 1e9
        while True:
            out = sum(line.sent - line.done for line in lines)
            if not out or monotonic_ns() > deadline:
                return out
            await asyncio.sleep(0.01)

    async def _open(self) -> Line:
        loop = asyncio.get_running_loop()
        made = lambda: Line(self._host, self._port, self._framing)  # noqa: E731
        _, line = await loop.create_connection(made, self._host, self._port)
        await asyncio.wait_for(line.ready, 30)
        return line


async def main(host: str, port: str, framing: str) -> None:
    """Entry of the process."""
    client = Client(host, int(port), cast(Framing, framing))
    await obey(client)
    client.close()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
