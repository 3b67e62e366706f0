"""The commit pipeline: gathers posts, writes them in few calls, answers in order.

At most `CALLS_IN_FLIGHT` calls are on their way, unless a read needs the rest to be sent before it;
what comes meanwhile waits and leaves together.
So the batch grows with the load by itself, and the store's sync to disk is shared (group commit).
Ordered reads go through here, too: a read is sent after every post that was given before it.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Callable
from typing import Protocol

import structlog

from protocol.errors import Code

from .ledger.posts import Post, pack_call, results
from .store.connection import Callback, Channel, Command, Down, Lost, Refused

POSTS_PER_CALL = 128
"""Most posts in one call: beyond, a call gets no cheaper and only holds up what comes after it."""
CALLS_IN_FLIGHT = 2
"""One call in the store and one on its way to it."""
POSTS_WORTH_A_CALL = 64
"""While a call is in flight, fewer posts than this wait for its answer and leave together."""
COMMIT_DELAY_S = 0.001
"""How long posts wait at most for as many others as left with the last call: whoever was answered
together speaks again together, and then shares calls, syncs and writes again. Alone, nobody waits.
(PostgreSQL's `commit_delay` and `commit_siblings`.)"""
POSTS_MAX = 20_000
"""Most posts without an answer; more are refused as `busy`. At 10,000 a second: two seconds."""
BYTES_MAX = 64 * 1024 * 1024
"""The same in bytes of their entries."""

_NOTHING_HAPPENED = ("OOM ", "LOADING ", "READONLY ", "MASTERDOWN ", "BUSY ", "MISCONF ", "NOPERM ")


class Desk(Protocol):
    """Who takes the results of posts."""

    def settled(self, post: Post, at: int, result: list[int | bytes]) -> None: ...

    def failed(self, post: Post, code: Code) -> None: ...

    def flush(self) -> None: ...


class Pipeline:
    """Takes posts and ordered reads to the store."""

    def __init__(self, store: Channel, desk: Desk) -> None:
        self._store = store
        self._desk = desk
        self._waiting: deque[Post] = deque()
        self._in_flight = 0
        self._unanswered = 0
        self._unanswered_bytes = 0
        self._scheduled = False
        self._company = 1
        """Posts that left with the last call."""
        self._enough = 1
        """As many waiting posts leave at once; fewer wait for an answer, or for more of them."""
        self._delay: asyncio.TimerHandle | None = None
        self._log = structlog.get_logger("pipeline")
        self.store_ahead_ms = 0
        """Store's clock minus ours, as of the last answer."""
        self.calls = 0
        self.posts = 0

    @property
    def idle(self) -> bool:
        """Whether every post given so far was answered."""
        return not self._unanswered

    def post(self, post: Post) -> None:
        """Take `post` to the store; the desk gets the result."""
        if self._unanswered >= POSTS_MAX or self._unanswered_bytes > BYTES_MAX:
            self._desk.failed(post, Code.BUSY)
            return
        self._unanswered += 1
        self._unanswered_bytes += len(post.body)
        waiting = self._waiting
        waiting.append(post)
        if self._scheduled:
            return
        if len(waiting) >= self._enough:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)
        elif self._in_flight == 0 and self._delay is None:
            self._wait()

    def read(self, commands: list[Command], callback: Callable[[list[object]], None]) -> None:
        """Send `commands`; `callback` gets all their replies, which see every post given before.

        A reply is a value, a `Refused` or a `Lost`. At least one command.

        Raises:
            Down: nothing was sent.
        """
        if not self._store.up:
            raise Down
        while self._waiting:
            self._send()
        self._read(commands, callback)

    def read_ahead(self, commands: list[Command], callback: Callable[[list[object]], None]) -> None:
        """The same, but ahead of the posts that wait: for the catch-up, which comes before all.

        Raises:
            Down: nothing was sent.
        """
        if not self._store.up:
            raise Down
        self._read(commands, callback)

    def _read(self, commands: list[Command], callback: Callable[[list[object]], None]) -> None:
        replies: list[object] = []

        def gather(reply: object) -> None:
            replies.append(reply)
            if len(replies) < len(commands):
                return
            try:
                callback(replies)
            except Exception:  # one damaged record must not cost everyone the store connection
                self._log.exception("an ordered read could not be answered")
                callback([Lost()] * len(commands))

        for command in commands:
            self._store.send(command, gather)

    def _flush(self) -> None:
        self._scheduled = False
        while len(self._waiting) >= self._enough:
            self._send()
        if self._waiting and self._in_flight == 0 and self._delay is None:
            self._wait()

    def _wait(self) -> None:
        self._delay = asyncio.get_running_loop().call_later(COMMIT_DELAY_S, self._waited)

    def _waited(self) -> None:
        self._delay = None
        if self._in_flight == 0 and self._waiting:
            self._send()

    def _now_in_flight(self, calls: int) -> None:
        self._in_flight = calls
        if calls == 0:
            self._enough = min(self._company, POSTS_WORTH_A_CALL)
        else:
            self._enough = POSTS_WORTH_A_CALL if calls < CALLS_IN_FLIGHT else sys.maxsize

    def _send(self) -> None:
        waiting = self._waiting
        batch = [waiting.popleft() for _ in range(min(len(waiting), POSTS_PER_CALL))]
        self._company = len(batch)
        if self._delay is not None:
            self._delay.cancel()
            self._delay = None
        if not self._store.up:  # or not caught up yet: nothing may overtake what was missed
            self._now_in_flight(self._in_flight)
            self._fail(batch, Code.UNAVAILABLE)
            return
        self._store.send(pack_call(batch), self._answer(batch))
        self._now_in_flight(self._in_flight + 1)
        self.calls += 1
        self.posts += len(batch)

    def _answer(self, batch: list[Post]) -> Callback:
        def take(reply: object) -> None:
            self._now_in_flight(self._in_flight - 1)
            if isinstance(reply, list):
                self._settle(batch, reply)
            elif isinstance(reply, Lost):
                self._fail(batch, Code.OUTCOME_UNKNOWN)
            else:
                self._refused(batch, reply)
            self._flush()

        return take

    def _settle(self, batch: list[Post], reply: list[object]) -> None:
        try:
            found = results(batch, reply)
        except (IndexError, ValueError):  # whose answer is whose is not known any more
            self._log.exception("the store's answer does not fit the call", posts=len(batch))
            self._fail(batch, Code.OUTCOME_UNKNOWN)
            return
        self._answered(batch)
        desk = self._desk
        for post, result in zip(batch, found, strict=True):
            try:
                desk.settled(post, reply[0], result)  # type: ignore[arg-type]
            except Exception:  # one post's mistake must not cost the others their answers
                self._log.exception("a settled post could not be announced", box=post.box)
                desk.failed(post, Code.OUTCOME_UNKNOWN)
        desk.flush()

    def _refused(self, batch: list[Post], reply: object) -> None:
        text = str(reply) if isinstance(reply, Refused) else repr(reply)
        self._log.error("the store refused a call", error=text[:300], posts=len(batch))
        no_library = "Function not found" in text
        harmless = no_library or text.startswith(_NOTHING_HAPPENED)
        self._fail(batch, Code.UNAVAILABLE if harmless else Code.OUTCOME_UNKNOWN)
        if no_library:
            self._store.renew()

    def _answered(self, batch: list[Post]) -> None:
        self._unanswered -= len(batch)
        self._unanswered_bytes -= sum(len(post.body) for post in batch)

    def _fail(self, batch: list[Post], code: Code) -> None:
        self._answered(batch)
        for post in batch:
            self._desk.failed(post, code)
