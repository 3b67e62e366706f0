"""From a handle to a token: log in with a password, register on first use, keep the token."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from .events import Frame
from .ids import ulid
from .private import write_private
from .wire import Wire

DEVICE_CHARS = 64
"""Most that the name of a device has."""


class SigninError(Exception):
    """The hub refused; `code` is its error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class TokenFile:
    """Where the token of one account at one hub is kept, readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, url: str, handle: str) -> TokenFile:
        """The usual place: under `$XDG_DATA_HOME/teller`, by hub and handle."""
        data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
        return cls(Path(data) / "teller" / quote(url, safe="") / handle)

    def read(self) -> str | None:
        """The token, if there is one."""
        try:
            return self.path.read_text().strip() or None
        except FileNotFoundError:
            return None

    def write(self, token: str) -> None:
        """Keep `token`; the file is never readable by others, not even for a moment."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(self.path, token + "\n")

    def forget(self) -> None:
        """Remove the token."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()


async def sign_in(
    url: str,
    handle: str,
    password: str,
    confirm: Callable[[], bool],
    context: ssl.SSLContext | None = None,
) -> str:
    """A new token for `handle`. If the login fails, `confirm` says whether to open the account.

    The hub does not tell a free handle from a wrong password; only registering shows it. Each try
    has its own connection: a hub does not wait for people who think.

    Raises:
        SigninError: `login_failed` if the password is wrong or `confirm` said no; or another code.
        WireError: if there is no hub.
    """
    frame = {"handle": handle, "password": password, "device": _device()}
    answer = await _enter(url, {"type": "login"} | frame, context)
    if answer.get("code") == "login_failed" and confirm():
        registered = await _enter(url, {"type": "register"} | frame, context)
        if registered.get("code") != "name_taken":
            answer = registered
    if answer["type"] == "error":
        raise SigninError(answer["code"], answer["message"])
    return str(answer["token"])


def _device() -> str:
    """What `/devices` calls us: with the name of the machine, to tell one from another."""
    return f"teller chat on {socket.gethostname() or 'a terminal'}"[:DEVICE_CHARS]


async def knock(url: str, context: ssl.SSLContext | None = None) -> None:
    """See that a hub listens.

    Raises:
        WireError: if there is no hub.
    """
    wire = await Wire.dial(url, context)
    await wire.close()


async def _enter(url: str, frame: Frame, context: ssl.SSLContext | None) -> Frame:
    wire = await Wire.dial(url, context)
    try:
        return await wire.ask({"id": ulid()} | frame)
    finally:
        await wire.close()
