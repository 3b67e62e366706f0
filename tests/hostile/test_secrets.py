"""Passwords, tokens and texts never reach a log or the metrics, whatever goes wrong."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis

from server.app import App
from server.config import Settings
from server.serve import greeting
from server.store.directory import DataDirectory
from tests.support import PATIENCE_S, Client

PASSWORD = "s3cret-of-alice"
GUESS = "gu3ss-by-eve-0000"
TEXT = "pr1vate-words-here"


class Process:
    """A hub of its own, its talk and its log kept."""

    def __init__(self, process: asyncio.subprocess.Process, data: Path) -> None:
        self._process = process
        self.data = data
        self.url = ""
        self.output = b""

    async def wait_for_url(self) -> None:
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            while not self.url:
                line = await self._process.stdout.readline()
                assert line, self.output.decode()
                self.output += line
                if b"listens on" in line:
                    self.url = line.decode().split()[-1]

    async def stop(self) -> str:
        """Everything it wrote to stdout and stderr."""
        self._process.terminate()
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            self.output += await self._process.stdout.read()
            await self._process.wait()
        return self.output.decode()


@asynccontextmanager
async def process(data: Path, *options: str) -> AsyncIterator[Process]:
    cheap = ("--argon2-time-cost=1", "--argon2-memory-kib=64")
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "serve", "--port=0", f"--data={data}", *cheap, *options),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    hub = Process(child, data)
    try:
        await hub.wait_for_url()
        yield hub
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def misbehave(hub: Process) -> list[str]:
    """A session of failures around secrets; returns the tokens that were in it."""
    alice = await Client.connect(hub.url)
    welcome = await alice.ask("register", handle="alice", password=PASSWORD)
    token = welcome["token"]
    await alice.ask("message", to="@alice", text=TEXT)
    eve = await Client.connect(f"{hub.url}?token={token}", additional_headers={"X-Token": token})
    await eve.ask("login", handle="alice", password=GUESS)
    await eve.ask("register", handle="alice", password=GUESS)
    await eve.ask("hello", token=token + "x")
    for wrong in (
        f'{{"type":"login","id":"x","handle":"alice","password":"{PASSWORD}"',
        f'{{"type":"login","id":"x","handle":"alice","password":["{PASSWORD}"]}}',
        f'{{"type":"login","id":"x","handle":"alice","pasword":"{PASSWORD}"}}',
        f'{{"type":"hello","id":"x","token":"{token}","token":"{token}"}}',
        f'{{"type":"{PASSWORD}","id":"{token}"}}',
        f'{{"type":"message","id":"x","to":"@alice","text":"{TEXT}","{TEXT}":1}}',
    ):
        await eve.send_raw(wrong)
        assert (await eve.receive())["type"] == "error"
    await break_the_store_under(hub, eve, alice)
    await alice.close()
    eve.socket.transport.abort()
    return [token, token.partition(".")[2]]


async def break_the_store_under(hub: Process, eve: Client, alice: Client) -> None:
    """Damaged records make the hub log exceptions, with whatever stands on its stack."""
    async with Redis(unix_socket_path=str(DataDirectory(hub.data).socket)) as store:
        await store.set("{p0}s:@carol", b"\xff\xfe")
        await store.lpush("{p0}s:@dave", "no string")
        record = await store.get("{p0}a:@alice")
        await store.set("{p0}a:@alice", "damaged")
        codes = [
            (await eve.ask("login", handle="carol", password=PASSWORD))["code"],
            (await eve.ask("login", handle="dave", password=PASSWORD))["code"],
            (await eve.ask("login", handle="alice", password=PASSWORD))["code"],
            (await alice.ask("balance"))["code"],
        ]
        await store.set("{p0}a:@alice", record)
    assert codes == ["internal", "unavailable", "unavailable", "unavailable"]
    assert (await alice.ask("balance"))["type"] == "balance", "one damaged record harms no other"


@pytest.mark.parametrize("form", ["console", "json"])
async def test_no_secret_is_ever_written(tmp_path: Path, form: str) -> None:
    async with process(tmp_path / "data", f"--log-format={form}") as hub:
        secrets = [PASSWORD, GUESS, TEXT, *await misbehave(hub)]
        page = hub.url.replace("ws://", "http://").removesuffix("/ws") + "/metrics"
        async with aiohttp.ClientSession() as http, http.get(page) as response:
            metrics = await response.text()
        written = await hub.stop()
    operator = (tmp_path / "data" / "operator.token").read_text().strip()
    assert "an entrance failed" in written, "the session did go wrong"
    assert "teller_malformed_total 6.0" in metrics
    assert "teller_store_losses_total 0.0" in metrics
    for secret in [*secrets, operator, operator.partition(".")[2]]:
        assert secret not in written
        assert secret not in metrics


async def test_the_operators_token_is_for_the_owner_alone(tmp_path: Path) -> None:
    async with process(tmp_path / "data") as hub:
        assert (hub.data / "operator.token").stat().st_mode & 0o777 == 0o600


def test_the_greeting_hides_the_password_of_the_store() -> None:
    app = App(Settings(store="rediss://teller:hidden-one@db.example:6379/0"))
    assert "rediss://teller@db.example:6379/0" in greeting(app)
    assert "hidden-one" not in greeting(app)
