"""The pipelined connection that carries posts, ordered reads and the words of other hubs.

One socket, first in first out: replies come back in the order of the commands, which is what makes
announcement order equal commit order. It never sends a command again by itself: when the socket
breaks, every command without a reply has an *unknown* outcome and says so (`Lost`). The general
client of redis-py keeps one command in flight per connection and, by default, repeats it after a
time-out; `docs/performance.md` has the measurements that made this file.

It speaks RESP3, so the messages of subscribed channels come on the same socket as the replies, each
at its place among them.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, cast

import hiredis
import structlog
from hiredis import PushNotification, ReplyError

from .endpoint import Endpoint

REPLY_TIMEOUT_S = 10.0
"""A reply that takes longer means that the store, or the way to it, is broken."""
NAMES_PER_COMMAND = 1_000
"""Channels in one subscription: the store does nothing else while it notes them."""

Command = Sequence[bytes | str | int]

_AGAIN = frozenset(
    ("MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "LOADING", "READONLY", "MASTERDOWN", "NOREPLICAS")
)
_UNSUBSCRIBED = b"unsubscribed"


class Lost(Exception):
    """The connection broke before the reply: the outcome is unknown."""


class Down(Exception):
    """There is no connection: the command was not sent and nothing happened."""


class Refused(Exception):
    """The store answered with an error."""

    @property
    def code(self) -> str:
        """Its first word, such as ``MOVED``."""
        return str(self).partition(" ")[0]

    @property
    def again(self) -> bool:
        """Whether nothing happened and the same command will do later, or at another node."""
        # An error from inside a function names it at its end; the function may have written.
        return self.code in _AGAIN and " script: " not in str(self)


Reply = object
Callback = Callable[[Reply], None]
"""Takes the reply: a value, a `Refused`, or a `Lost`."""


class Channel(Protocol):
    """What handlers and the pipeline see of a partition of the store."""

    @property
    def up(self) -> bool: ...

    def send(self, command: Command, callback: Callback) -> None: ...

    async def request(self, *command: bytes | str | int) -> object: ...

    def subscribe(self, names: Iterable[bytes]) -> None: ...

    def unsubscribe(self, names: Iterable[bytes]) -> None: ...

    def renew(self) -> None: ...


class Listener:
    """What a `Wire` tells of itself; this one does not care."""

    def lost(self) -> None:
        """The socket is gone. Comes before the commands without a reply are told `Lost`."""

    def refused(self, refused: Refused) -> None:
        """A command must be sent again. Comes before its callback."""

    def message(self, name: bytes, payload: bytes) -> None:
        """Somebody published `payload` to the channel `name`."""

    def unsubscribed(self, name: bytes) -> None:
        """The subscription of `name` has ended, wanted or because its slot has moved away."""


class Wire(asyncio.Protocol):
    """One socket's life: packs commands, parses replies, matches them in order."""

    def __init__(self, endpoint: Endpoint, listener: Listener) -> None:
        self.endpoint = endpoint
        self.mode = ""
        """``standalone``, ``cluster`` or ``sentinel``; known after the greeting."""
        self.trust_s = 0.0
        """After so much silence, what comes may be from a primary that was deposed while it stood
        still, and means nothing: the connection is broken instead. In seconds; 0: never."""
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._reader = hiredis.Reader()
        self._waiting: deque[tuple[float, Callback]] = deque()
        self._unsent: list[bytes] = []
        self._heard_at = 0.0
        self._distrusted = False
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)

    def send(self, command: Command, callback: Callback) -> None:
        """Queue a command; all of a tick's commands leave in one write."""
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(hiredis.pack_command(tuple(command)))  # type: ignore[arg-type]
        self._waiting.append((self._loop.time(), callback))

    async def request(self, *command: bytes | str | int) -> object:
        """The reply to one command.

        Raises:
            Lost: the outcome is unknown.
            Refused: the store answered with an error.
        """
        if self.transport is None:
            raise Lost
        future: asyncio.Future[object] = self._loop.create_future()

        def settle(reply: object) -> None:
            if future.done():
                return
            if isinstance(reply, (Lost, Refused)):
                future.set_exception(reply)
            else:
                future.set_result(reply)

        self.send(command, settle)
        return await future

    execute_command = request

    def subscribe(self, names: Sequence[bytes], failed: Callable[[Refused], None]) -> None:
        """Subscribe to sharded channels of one slot; `failed` is told if the store refuses."""
        for start in range(0, len(names), NAMES_PER_COMMAND):
            some = names[start : start + NAMES_PER_COMMAND]
            self.send((b"SSUBSCRIBE", *some), _Confirmations(len(some), failed))

    def unsubscribe(self, names: Sequence[bytes]) -> None:
        """End subscriptions.

        The confirmations look like the notices of a slot that moves away, so they prove nothing.
        The PING behind tells whether the command was answered with an error or with no reply.
        """
        for start in range(0, len(names), NAMES_PER_COMMAND):
            self.send((b"SUNSUBSCRIBE", *names[start : start + NAMES_PER_COMMAND]), self._ended)
            self.send((b"PING", _UNSUBSCRIBED), ignore)

    def _ended(self, reply: Reply) -> None:
        if reply == _UNSUBSCRIBED:  # which is the reply to the PING
            self._waiting.popleft()
        elif isinstance(reply, Refused) and reply.again and reply.code != "LOADING":
            pass  # only a command with a slot is answered like that
        elif not isinstance(reply, Lost):  # whose error it is cannot be known
            self.abort()

    def _flush(self) -> None:
        if self._unsent and self.transport is not None:
            self.transport.write(b"".join(self._unsent))
            self._unsent.clear()

    def data_received(self, data: bytes) -> None:
        if self.trust_s and self._came_too_late():
            return
        reader = self._reader
        reader.feed(data)
        waiting = self._waiting
        while (reply := reader.gets()) is not False:
            if isinstance(reply, PushNotification):
                self._pushed(reply)
                continue
            _, callback = waiting.popleft()
            callback(self._error(reply) if isinstance(reply, ReplyError) else reply)

    def _came_too_late(self) -> bool:
        """Whether the store stood still before: silent, although something waited for a reply."""
        now = self._loop.time()
        if self._waiting and now - max(self._waiting[0][0], self._heard_at) > self.trust_s:
            self._distrusted = True
            self.abort()
        self._heard_at = now
        return self._distrusted

    def _error(self, reply: ReplyError) -> Refused:
        refused = Refused(str(reply))
        if refused.again:
            self._listener.refused(refused)
        return refused

    def _pushed(self, push: list[bytes]) -> None:
        kind = push[0]
        if kind == b"smessage":
            try:
                self._listener.message(push[1], push[2])
            except Exception:  # one bad message must not cost everyone the store connection
                structlog.get_logger("store").exception("a message could not be read")
        elif kind == b"ssubscribe":
            confirmations = self._waiting[0][1]
            assert isinstance(confirmations, _Confirmations)
            if confirmations.one_more():
                self._waiting.popleft()
        elif kind == b"sunsubscribe":
            self._listener.unsubscribed(push[1])

    def abort(self) -> None:
        """Break the connection."""
        if self.transport is not None:
            self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        waiting, self._waiting = self._waiting, deque()
        self._listener.lost()
        for _, callback in waiting:
            try:
                callback(Lost())
            except Exception:  # who makes a mistake must not leave the others without an answer
                structlog.get_logger("store").exception("a lost command could not be told")

    def overdue(self, limit_s: float | None = None) -> bool:
        """Whether the oldest command waits for longer than that, or than any should."""
        limit_s = REPLY_TIMEOUT_S if limit_s is None else limit_s
        return bool(self._waiting) and self._loop.time() - self._waiting[0][0] > limit_s

    def beat(self) -> None:
        """See to it that something waits for an answer, so that a standstill shows."""
        if not self._waiting:
            self.send((b"PING",), ignore)


class _Confirmations:
    """Takes a subscription's confirmations, which come apart from the replies, or its error."""

    __slots__ = ("_failed", "_missing")

    def __init__(self, number: int, failed: Callable[[Refused], None]) -> None:
        self._missing = number
        self._failed = failed

    def one_more(self) -> bool:
        """Count one; whether it was the last."""
        self._missing -= 1
        return self._missing == 0

    def __call__(self, reply: Reply) -> None:
        if isinstance(reply, Refused):
            self._failed(reply)


def ignore(reply: Reply) -> None:
    """For commands whose reply says nothing."""


async def dial(endpoint: Endpoint, listener: Listener) -> Wire:
    """A new connection, greeted and authenticated. The caller limits the time.

    Raises:
        OSError: if nobody listens there.
        Refused: if the store does not take the password or the database, or knows no RESP3.
        Lost: if it hangs up.
    """
    wire = Wire(endpoint, listener)
    context = ssl.create_default_context() if endpoint.tls else None
    loop = asyncio.get_running_loop()
    if endpoint.unix_path is not None:
        await loop.create_unix_connection(lambda: wire, endpoint.unix_path)
    else:
        await loop.create_connection(lambda: wire, endpoint.host, endpoint.port, ssl=context)
    try:
        await _greet(wire, endpoint)
    except BaseException:
        wire.abort()
        raise
    return wire


async def _greet(wire: Wire, endpoint: Endpoint) -> None:
    hello: list[str | int] = ["HELLO", 3]
    if endpoint.password is not None:
        hello += ["AUTH", endpoint.username or "default", endpoint.password]
    facts = await wire.request(*hello)
    assert isinstance(facts, dict)
    wire.mode = facts[b"mode"].decode()
    if endpoint.database:
        await wire.request("SELECT", endpoint.database)
