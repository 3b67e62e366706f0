"""Passwords and tokens.

Passwords are hashed with argon2id in a few threads, away from the event loop (argon2 gives up the
interpreter lock). Tokens are random; the store keeps only their SHA-256, which is enough for a
secret that cannot be guessed.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from protocol.errors import Code, FrameError

T = TypeVar("T")

THREADS = 2
WAITING_MAX = 500
"""Logins that wait for a thread; more are refused as `busy`."""


class Passwords:
    """Hashes and verifies, a bounded number at a time."""

    def __init__(self, time_cost: int, memory_kib: int) -> None:
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._waiting = 0
        self._decoy = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """The argon2id hash of `password`, with its salt and cost.

        Raises:
            FrameError: `busy`, when too many wait.
        """
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` belongs to `stored`. Takes as long where there is no such account.

        Raises:
            FrameError: `busy`, when too many wait.
        """
        return await self._run(lambda: self._check(stored or self._decoy, password)) and bool(
            stored
        )

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _check(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING_MAX:
            raise FrameError(Code.BUSY)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1


def new_token(name: str) -> str:
    """A token for the account `name`: who it is for, a dot, and 32 random bytes."""
    return f"{name}.{secrets.token_urlsafe(32)}"


def token_owner(token: str) -> str:
    """The account that a token says it is for; empty if it is no token."""
    name, dot, secret = token.partition(".")
    return name if dot and secret and name[:1] in ("@", "$") else ""


def token_field(token: str) -> str:
    """Under what the store keeps a token."""
    return sha256(token.encode()).hexdigest()
