"""`teller chat` in a real terminal: the password, the screen, the way out."""

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import struct
import sys
import termios

import pytest

from client_demo.cli import run_chat
from client_demo.signin import TokenFile

CODE = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # this terminal is ours, so that getpass finds it
from client_demo.cli import run_chat
sys.exit(run_chat(sys.argv[1], sys.argv[2]))
"""


class Terminal:
    """A process in a terminal of its own, 80 x 24."""

    def __init__(self, process, file):
        self.process = process
        self._file = file
        self._seen = ""
        self._more = asyncio.Event()
        asyncio.get_running_loop().add_reader(file, self._read)

    def _read(self):
        try:
            data = os.read(self._file, 65_536)
        except OSError:  # the other end is closed
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._file)
        self._seen += data.decode(errors="replace")
        self._more.set()

    def type(self, text):
        os.write(self._file, text.encode())

    async def shows(self, pattern):
        """Wait until what was written since the last match contains `pattern`."""
        async with asyncio.timeout(20):
            while not (match := re.search(pattern, self._seen)):
                self._more.clear()
                await self._more.wait()
        self._seen = self._seen[match.end() :]

    async def ends(self):
        async with asyncio.timeout(20):
            return await self.process.wait()


@pytest.fixture
def terminal(hub, tmp_path):
    """Starts `teller chat` for a name in a terminal."""

    @contextlib.asynccontextmanager
    async def start(name):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", CODE, name, hub.url),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={"XDG_DATA_HOME": str(tmp_path), "TERM": "xterm-256color", "PYTHONUTF8": "1"},
        )
        os.close(theirs)
        try:
            yield Terminal(process, ours)
        finally:
            asyncio.get_running_loop().remove_reader(ours)
            if process.returncode is None:
                process.kill()
                await process.wait()
            os.close(ours)

    return start


async def test_the_first_time_asks_for_the_password_twice(terminal):
    async with terminal("alice") as window:
        await window.shows("Password for @alice: ")
        window.type("a good password\n")
        await window.shows("If it is new, type the password again")
        await window.shows("press Enter: ")
        window.type("a good password\n")
        await window.shows("● connected")
        window.type("/quit\r")
        assert await window.ends() == 0


async def test_the_second_time_needs_no_password(terminal):
    async with terminal("alice") as window:
        await window.shows("Password for @alice: ")
        window.type("a good password\n")
        await window.shows("press Enter: ")
        window.type("a good password\n")
        await window.shows("● connected")
        window.type("\x11")  # Ctrl+Q
        assert await window.ends() == 0
    async with terminal("alice") as window:
        await window.shows("100.00 USD")
        window.type("/quit\r")
        assert await window.ends() == 0


async def test_a_mistyped_new_password_can_be_tried_again(terminal):
    async with terminal("alice") as window:
        await window.shows("Password for @alice: ")
        window.type("a good password\n")
        await window.shows("press Enter: ")
        window.type("a god password\n")
        await window.shows("the two passwords differ; no account was opened; try again")
        await window.shows("Password for @alice: ")
        window.type("short\n")
        await window.shows("8 to 256 characters long; try again")
        await window.shows("Password for @alice: ")
        window.type("not hers either\n")
        await window.shows("press Enter: ")
        window.type("\n")
        await window.shows("handle or password is wrong")
        assert await window.ends() == 2


async def test_a_kept_token_is_told_and_logout_forgets_it(terminal, tmp_path):
    async with terminal("Alice") as window:
        await window.shows("Password for @alice: ")
        window.type("a good password\n")
        await window.shows("press Enter: ")
        window.type("a good password\n")
        await window.shows("● connected")
        window.type("/quit\r")
        assert await window.ends() == 0
    (path,) = (path for path in tmp_path.rglob("alice") if path.is_file())
    async with terminal("alice") as window:
        await window.shows("logged in with the kept")
        window.type("/logout\r")
        await window.shows("logged out; the kept token of @alice is deleted")
        assert await window.ends() == 0
    assert not path.exists()


async def test_a_token_that_is_no_longer_valid_is_told(terminal, tmp_path, hub, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    TokenFile.of(hub.url, "alice").write("not a token")
    async with terminal("alice") as window:
        await window.shows("the kept token of @alice is no longer valid, and deleted")
        await window.shows("Password for @alice: ")


async def test_without_a_hub_nobody_is_asked_for_a_password(terminal, hub):
    await hub.stop()
    async with terminal("alice") as window:
        await window.shows(r"^teller chat: ws://\S+: nobody listens there")
        assert await window.ends() == 2


def test_a_handle_must_be_one(capsys):
    assert run_chat("Not A Handle") == 2
    assert "is no handle" in capsys.readouterr().err


def test_a_pipe_needs_plain(capsys):
    assert run_chat("alice") == 2
    assert "use --plain" in capsys.readouterr().err


def test_nobody_there_is_said(capsys, tmp_path, unused_tcp_port, monkeypatch):
    monkeypatch.setenv("TELLER_PASSWORD", "a good password")
    url = f"ws://127.0.0.1:{unused_tcp_port}/ws"
    assert run_chat("alice", url, plain=True, token_file=tmp_path / "token") == 2
    assert "nobody listens there" in capsys.readouterr().err
