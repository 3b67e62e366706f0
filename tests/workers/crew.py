"""A parent with its workers, seen from outside: processes, sockets, pages."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Any

import orjson
from prometheus_client.parser import text_string_to_metric_families

from tests.crash.hub_process import HubProcess
from tests.support import PASSWORD, PATIENCE_S, Client, until

ANSWER_WAIT_S = 4.0
"""How long to wait for a page before it is asked for again."""
GONE = (FileNotFoundError, ProcessLookupError)
"""What reading in `/proc` says of a process that ended before the file was opened, or since."""


def children(pid: int) -> dict[int, list[str]]:
    """Process ids and command lines of the processes that `pid` started."""
    found = {}
    with contextlib.suppress(*GONE):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                with contextlib.suppress(*GONE):
                    words = Path(f"/proc/{child}/cmdline").read_text().split("\0")
                    found[int(child)] = words
    return found


def running(pid: int) -> bool:
    """Whether the process is there, and no mere zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except GONE:
        return False
    return state != "Z"


class Crew(HubProcess):
    """A hub process that is the parent of workers."""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def workers(self) -> dict[str, list[int]]:
        """Process ids by the name of the worker; two while one is replaced."""
        found: dict[str, list[int]] = {}
        for pid, words in children(self.pid).items():
            if "server.workers" in words:
                name = words[words.index("server.workers") + 1]
                found.setdefault(name, []).append(pid)
        return found

    def worker(self, name: str) -> int:
        """The process id of one worker, which must be alone in its place."""
        (pid,) = self.workers()[name]
        return pid

    def signal_worker(self, name: str, number: signal.Signals) -> None:
        """Send one worker a signal."""
        os.kill(self.worker(name), number)

    async def get(self, path: str, at_once: int = 1) -> tuple[int, str]:
        """Status and body of a page; the first of `at_once` answers.

        Where a worker is stopped, some of them come to it and stay without an answer.
        """
        async with asyncio.timeout(3 * PATIENCE_S):
            while True:
                tries = [asyncio.create_task(self._get(path)) for _ in range(at_once)]
                with contextlib.suppress(TimeoutError, OSError, IndexError):
                    for first in asyncio.as_completed(tries, timeout=ANSWER_WAIT_S):
                        answer = await first
                        for one in tries:
                            one.cancel()
                        return answer

    async def ask_for(self, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Ask for a page, and do not wait for it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await writer.drain()
        return reader, writer

    async def _get(self, path: str) -> tuple[int, str]:
        reader, writer = await self.ask_for(path)
        try:
            head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
            return int(head.split()[1]), body
        finally:
            writer.close()

    async def metrics(self, at_once: int = 1) -> dict[str, float]:
        """Every sample of `/metrics`, by its name; those of one worker as `name/worker`."""
        status, text = await self.get("/metrics", at_once)
        assert status == 200, text
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                name, where = sample.name, sample.labels.get("worker")
                found[f"{name}/{where}" if where else name] = sample.value
        return found

    async def health(self, at_once: int = 1) -> tuple[int, dict[str, Any]]:
        status, body = await self.get("/healthz", at_once)
        return status, orjson.loads(body)

    def holder(self, client: Client) -> str | None:
        """The name of the worker that has the client's connection."""
        theirs = f":{client.socket.transport.get_extra_info('sockname')[1]:04X}"
        ours = f":{self.port:04X}"
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            words = line.split()
            if words[1].endswith(ours) and words[2].endswith(theirs):
                link = f"socket:[{words[9]}]"
                for name, pids in self.workers().items():
                    if any(link in _descriptors(pid) for pid in pids):
                        return name
        return None

    async def connect(self, at: str | None = None) -> Client:
        """A connection, to the worker named `at` if one is named."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                client = await Client.connect(self.url)
                if at is None or self.holder(client) == at:
                    return client
                await client.close()

    async def register(self, handle: str, at: str | None = None) -> Client:
        """A new account, logged in."""
        client = await self.connect(at)
        client.welcome = await client.ask("register", handle=handle, password=PASSWORD)
        assert client.welcome["type"] == "welcome", client.welcome
        return client

    async def hello(self, before: Client, cursors: dict[str, int], at: str | None = None) -> Client:
        """The account of an earlier connection again."""
        client = await self.connect(at)
        token = before.welcome["token"]
        client.welcome = await client.ask("hello", token=token, cursors=cursors)
        assert client.welcome["type"] == "welcome", client.welcome
        client.welcome["token"] = token
        return client

    async def replaced(self, name: str, pid: int) -> None:
        """Wait until another process than `pid` is alone in the place of a worker."""
        await until(lambda: self.workers().get(name, [pid]) not in ([pid], []), 30.0)
        await until(lambda: len(self.workers().get(name, [])) == 1 and not running(pid), 30.0)

    async def all_gone(self, pids: list[int]) -> None:
        """Wait until none of the processes is there."""
        await until(lambda: not any(map(running, pids)))


def _descriptors(pid: int) -> set[str]:
    found = set()
    with contextlib.suppress(*GONE):
        for one in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(*GONE):
                found.add(os.readlink(one.path))
    return found
