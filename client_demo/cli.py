"""`teller chat`: from the command line to the screen, or to the line mode."""

from __future__ import annotations

import asyncio
import getpass
import os
import re
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path

from protocol.limits import PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN

from .app import ChatApp
from .client import Client
from .plain import Plain, stdin_lines
from .signin import SigninError, TokenFile, knock, sign_in
from .wire import WireError, tls

_HANDLE = re.compile(r"[a-z0-9_]{2,32}")
_TRIES = 3


def run_chat(
    handle: str,
    url: str = "ws://127.0.0.1:8765/ws",
    *,
    plain: bool = False,
    token_file: Path | None = None,
    password: str | None = None,
    ca: Path | None = None,
) -> int:
    """Chat as `handle` at the hub at `url`, until the user ends it.

    Args:
        handle: Who to be, with or without the `@`; capitals are taken as small letters.
        url: Where the hub listens.
        plain: Read lines from standard input instead of showing a screen.
        token_file: Where to keep the token; by default under `$XDG_DATA_HOME/teller`.
        password: Log in with it, whatever token is kept; else `TELLER_PASSWORD` is looked at.
        ca: A file with the certificate authority to trust for `wss://`.

    Returns:
        The exit code: 0, 1 if something was refused, 2 if there was no way in.
    """
    handle = handle.removeprefix("@").lower()
    if not _HANDLE.fullmatch(handle):
        return _fail(f"{handle!r} is no handle: 2 to 32 of a-z 0-9 _")
    if not plain and not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _fail("this is no terminal; use --plain")
    tokens = TokenFile(token_file) if token_file else TokenFile.of(url, handle)
    password = password or os.environ.get("TELLER_PASSWORD")
    try:
        door = Door(url, handle, tokens, password, tls(url, ca))
        return _run(door, plain)
    except BrokenPipeError:  # whoever read our lines has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (SigninError, WireError, OSError) as error:
        return _fail(f"{url}: {error}")
    except KeyboardInterrupt:
        return 130


@dataclass(frozen=True)
class Door:
    """The way in: a password that was given, or a kept token, or a password that is asked for."""

    url: str
    handle: str
    tokens: TokenFile
    password: str | None
    context: ssl.SSLContext | None

    def open(self) -> tuple[Client, str]:
        """A client with a token, and what to say of it.

        Raises:
            SigninError: if the hub does not let us in.
            WireError: if there is no hub.
            OSError: if the token cannot be kept.
        """
        token = None if self.password else self.tokens.read()
        notice = ""
        if token is None:
            token = self._given() if self.password else self._asked()
            self.tokens.write(token)
        else:
            notice = f"logged in with the kept token of @{self.handle}: {self.tokens.path}"
        return Client(self.url, "@" + self.handle, token, self.context), notice

    def _given(self) -> str:
        """With a password that was given: a free handle is registered straight away."""
        return asyncio.run(
            sign_in(self.url, self.handle, self.password or "", lambda: True, self.context)
        )

    def _asked(self) -> str:
        """With a password that is typed; a new account needs it twice."""
        if not sys.stdin.isatty():
            raise SigninError("login_failed", "there is no one to ask; set TELLER_PASSWORD")
        asyncio.run(knock(self.url, self.context))  # nobody types a password for nothing
        for _ in range(_TRIES - 1):
            try:
                return self._ask()
            except SigninError as error:
                if error.code not in ("login_failed", "password_invalid"):
                    raise
                print(f"{error}; try again", file=sys.stderr)
        return self._ask()

    def _ask(self) -> str:
        password = getpass.getpass(f"Password for @{self.handle}: ")
        if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
            bounds = f"{PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters"
            raise SigninError("password_invalid", f"a password is {bounds} long")

        def confirm() -> bool:
            print(f"Wrong, or @{self.handle} is new. If it is new, type the password again;")
            again = getpass.getpass("else just press Enter: ")
            if again and again != password:
                raise SigninError("login_failed", "the two passwords differ; no account was opened")
            return bool(again)

        return asyncio.run(sign_in(self.url, self.handle, password, confirm, self.context))


def _run(door: Door, plain: bool) -> int:
    """Run the client. A kept token that is no longer valid leads back to the door, once."""
    for _ in range(2):
        client, notice = door.open()
        code = _run_plain(client, notice) if plain else _run_app(client, notice)
        if client.model.logged_out:
            door.tokens.forget()
            _say(f"logged out; the kept token of @{door.handle} is deleted")
            break
        if client.model.stop_code != "token_invalid":
            break
        door.tokens.forget()
        _say(f"the kept token of @{door.handle} is no longer valid, and deleted")
    return code


def _run_plain(client: Client, notice: str) -> int:
    if notice:
        _say(notice)
    return asyncio.run(Plain(client, sys.stdout, sys.stderr).run(stdin_lines()))


def _run_app(client: Client, notice: str) -> int:
    short = "logged in with the kept login; /logout ends it" if notice else ""
    code = ChatApp(client, notice=short).run()
    if client.model.waiting:
        _say(f"{client.model.waiting} lines of yours have no answer yet")
    return 0 if code in (None, "closed") or client.model.logged_out else 2


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _fail(reason: str) -> int:
    print(f"teller chat: {reason}", file=sys.stderr)
    return 2
