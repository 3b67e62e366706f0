"""The commit pipeline of a partition: gathers posts, writes them in few calls, answers in order.

At most `CALLS_IN_FLIGHT` calls are on their way, unless a read needs the rest to be sent before it;
what comes meanwhile waits and leaves together.
So the batch grows with the load by itself, and the store's sync to disk is shared (group commit).
Ordered reads go through here, too: a read is sent after every post that was given before it.

Where the store is a cluster, the pipeline is *patient*: what the store did not do (its node is gone
or gave the partition to another) leaves again, unchanged and in the same order, for a while. One
call is then in flight at a time, because a second could succeed where the first did not.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from protocol.errors import Code

from ..faults import FAULT
from ..ledger.posts import Post, pack_call
from ..store.connection import Channel, Command, Down, Lost, Refused
from ..store.moment import apart, together
from .durability import Durable, Promise
from .outcomes import Carrier, Desk, Load, Outcomes
from .pulse import Pulse

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
RETRY_MAX_S = 8.0
"""How long a patient pipeline tries: a failover takes a cluster's node time-out (here 5 s) and a
vote. What is not done by then is `unavailable`, and so is what follows until the store is back."""
RETRY_PAUSE_S = 0.02
"""Between its attempts. They cost nothing while there is no connection."""
SHORT_S = 1.0
"""After a replica did not confirm in time, posts that need one are refused for so long, instead of
keeping everybody waiting for it again and again."""

_NOTHING_HAPPENED = (
    *("OOM ", "LOADING ", "READONLY ", "MASTERDOWN ", "BUSY ", "MISCONF ", "NOPERM "),
    "NOREPLICAS ",
)
Replies = Callable[[list[object]], None]
"""Takes the replies to commands, in their order."""


@dataclass
class _Read:
    commands: list[Command]
    callback: Replies
    behind: int
    """So many posts leave before it."""


class Pipeline:
    """Takes the posts and ordered reads of one partition to the store."""

    def __init__(
        self,
        store: Channel,
        desk: Desk,
        *,
        load: Load | None = None,
        promise: Promise | None = None,
        fence: bytes = b"{p0}fence",
        carrier: Carrier | None = None,
        patience_s: float = 0.0,
    ) -> None:
        """Of a hub's pipelines, all share `load`. `fence`: a key of the partition (durability.py).
        `patience_s`: how long what did not happen is tried again; 0: not at all."""
        self._store = store
        self._load = Load() if load is None else load
        self._promise = Promise() if promise is None else promise
        self._outcomes = Outcomes(desk, self._load, self._promise, carrier)
        self._fence = fence
        self._patience_s = patience_s
        self._calls_most = 1 if patience_s else CALLS_IN_FLIGHT
        self.pulse = Pulse(store, self._promise) if patience_s else None
        self._waiting: deque[Post] = deque()
        self._reads: deque[_Read] = deque()
        """Only of a patient pipeline: reads that wait for posts before them."""
        self._left = 0
        """Posts that left so far and need not leave again."""
        self._in_flight = 0
        self._scheduled = False
        self._company = 1
        """Posts that left with the last call."""
        self._enough = 1
        """As many waiting posts leave at once; fewer wait for an answer, or for more of them."""
        self._delay: asyncio.TimerHandle | None = None
        self._give_up_at: float | None = None
        """While the store does nothing: when to stop trying."""
        self._short_until = 0.0
        """While a replica is missing: when to try again."""
        self._log = structlog.get_logger("pipeline")
        self.calls = 0
        self.posts = 0
        self.retries = 0
        """Calls that the store did not do and that were to leave again."""

    @property
    def idle(self) -> bool:
        """Whether every post and read given so far was answered or is on its way unhindered."""
        return not (self._in_flight or self._waiting or self._reads)

    def post(self, post: Post) -> None:
        """Take `post` to the store; the desk gets the result."""
        load = self._load
        if load.posts >= POSTS_MAX or load.bytes > BYTES_MAX:
            self._outcomes.turned_away([post], Code.BUSY)
            return
        load.posts += 1
        load.bytes += len(post.body)
        waiting = self._waiting
        waiting.append(post)
        if self._scheduled:
            return
        if len(waiting) >= self._enough:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)
        elif self._in_flight == 0 and self._delay is None:
            self._wait(COMMIT_DELAY_S)

    def read(self, commands: list[Command], callback: Replies) -> None:
        """Send `commands`; `callback` gets all their replies, which see every post given before,
        and all of them the same moment: where the callback stands among the words of other hubs.

        A reply is a value, a `Refused` or a `Lost`. At least one command.

        Raises:
            Down: nothing was sent.
        """
        if self._patience_s and not (self.idle and self._store.up):
            self._reads.append(_Read(commands, callback, self._left + len(self._waiting)))
            if self._in_flight == 0 and self._delay is None:
                self._wait(COMMIT_DELAY_S)
            return
        if not self._store.up:
            raise Down
        while self._waiting:
            self._send()
        self._read(_Read(commands, callback, self._left))

    def read_ahead(self, commands: list[Command], callback: Replies) -> None:
        """The same, but ahead of the posts that wait: for the catch-up, which comes before all.

        Raises:
            Down: nothing was sent.
        """
        if not self._store.up:
            raise Down
        self._read(_Read(commands, callback, -1))

    def _read(self, read: _Read) -> None:
        replies: list[object] = []
        commands, pulse = together(read.commands), self.pulse
        heard = pulse.heard if pulse else 0.0

        def gather(reply: object) -> None:
            replies.append(reply)
            if len(replies) < len(commands):
                return
            found = apart(replies)
            if pulse and not isinstance(reply, Lost) and not pulse.counts(heard):
                found = [Lost()] * len(found)
            if self._patience_s and read.behind >= 0 and any(map(_again, found)):
                self._reads.appendleft(read)
                self._put_off([])
                return
            if not (self._waiting or isinstance(found[0], (Lost, Refused))):
                self._give_up_at = None
            try:
                read.callback(found)
            except Exception:  # one damaged record must not cost everyone the store connection
                self._log.exception("an ordered read could not be answered")
                read.callback([Lost()] * len(found))

        for command in commands:
            self._store.send(command, gather)

    # When posts leave.

    def _flush(self) -> None:
        self._scheduled = False
        if self._reads:  # first, or posts that never end would keep them waiting for ever
            self._send_reads()
        while len(self._waiting) >= self._enough:
            self._send()
        if self._waiting and self._in_flight == 0 and self._delay is None:
            self._wait(COMMIT_DELAY_S)

    def _wait(self, pause_s: float) -> None:
        self._delay = asyncio.get_running_loop().call_later(pause_s, self._waited)

    def _waited(self) -> None:
        self._delay = None
        if self._in_flight:
            return
        if self._reads:
            self._send_reads()
        if self._waiting:
            self._send()
        if (self._waiting or self._reads) and self._in_flight == 0 and self._delay is None:
            self._wait(COMMIT_DELAY_S)

    def _send_reads(self) -> None:
        """Those that have no post before them any more."""
        reads = self._reads
        while reads and reads[0].behind <= self._left and self._in_flight == 0:
            if not self._store.up:
                self._put_off([])
                return
            self._read(reads.popleft())

    def _now_in_flight(self, calls: int) -> None:
        self._in_flight = calls
        if calls == 0:
            self._enough = min(self._company, POSTS_WORTH_A_CALL)
        else:
            self._enough = POSTS_WORTH_A_CALL if calls < self._calls_most else sys.maxsize

    def _send(self) -> None:
        waiting = self._waiting
        batch = [waiting.popleft() for _ in range(min(len(waiting), POSTS_PER_CALL))]
        if FAULT == "swap-entries":
            batch.reverse()
        self._company = len(batch)
        self._left += len(batch)
        if self._delay is not None:
            self._delay.cancel()
            self._delay = None
        if not self._store.up:  # or not caught up yet: nothing may overtake what was missed
            self._now_in_flight(self._in_flight)
            self._put_off(batch)
            return
        if self._short_until:
            batch = self._without_bold(batch)
            if not batch:
                self._now_in_flight(self._in_flight)
                return
        self._call(batch)
        self._now_in_flight(self._in_flight + 1)
        self.calls += 1
        self.posts += len(batch)

    def _call(self, batch: list[Post]) -> None:
        promise = self._promise
        wanted = promise.wanted({post.durable for post in batch})
        more = promise.commands(wanted, self._fence)
        if not more:
            self._store.send(pack_call(batch), self._answer(batch, wanted))
            return
        replies: list[object] = []
        answer = self._answer(batch, wanted)

        def gather(reply: object) -> None:
            replies.append(reply)
            if len(replies) == 1 + len(more):
                reached = promise.reached(replies[1:])
                if wanted == "replica" != reached and isinstance(replies[0], list):
                    self._short_until = asyncio.get_running_loop().time() + SHORT_S
                answer(replies[0], reached)

        for command in (pack_call(batch), *more):
            self._store.send(command, gather)

    def _without_bold(self, batch: list[Post]) -> list[Post]:
        """`batch` without the posts that need a replica, while none was there a moment ago."""
        if asyncio.get_running_loop().time() >= self._short_until:
            self._short_until = 0.0
            return batch
        least = self._promise.least
        bold = [post for post in batch if "replica" in (least, post.durable)]
        self._outcomes.failed(bold, Code.NOT_DURABLE)
        return [post for post in batch if "replica" not in (least, post.durable)]

    # When the store has answered, or has not done it.

    def _answer(self, batch: list[Post], wanted: Durable) -> Callable[..., None]:
        pulse = self.pulse
        heard = pulse.heard if pulse else 0.0

        def take(reply: object, reached: Durable = self._promise.given) -> None:
            self._now_in_flight(self._in_flight - 1)
            if pulse and isinstance(reply, list) and not pulse.counts(heard):
                reply = Lost()
            if isinstance(reply, list):
                self._give_up_at = None
                self._outcomes.answered(batch, reply, wanted, reached)
            elif isinstance(reply, Lost):
                self._outcomes.failed(batch, Code.OUTCOME_UNKNOWN)
            else:
                self._refused(batch, reply)
            self._flush()

        return take

    def _refused(self, batch: list[Post], reply: object) -> None:
        text = str(reply) if isinstance(reply, Refused) else repr(reply)
        no_library = "Function not found" in text
        if no_library:
            self._store.renew()
        if no_library or _again(reply):
            self._log.warning("the store could not do a call", error=text[:300], posts=len(batch))
            self._put_off(batch)
            return
        self._log.error("the store refused a call", error=text[:300], posts=len(batch))
        # An error from inside a function names it at its end; the function may have written.
        harmless = text.startswith(_NOTHING_HAPPENED) and " script: " not in text
        self._outcomes.failed(batch, Code.UNAVAILABLE if harmless else Code.OUTCOME_UNKNOWN)

    def _put_off(self, batch: list[Post]) -> None:
        """`batch` did not happen: it leaves again, first of all, unless that was tried for long."""
        now = asyncio.get_running_loop().time()
        if self._give_up_at is None:
            self._give_up_at = now + self._patience_s
        if now >= self._give_up_at:
            self._give_up(batch)
            return
        self.retries += 1
        self._left -= len(batch)
        self._waiting.extendleft(reversed(batch))
        self._enough = sys.maxsize
        if self._delay is None:
            self._wait(RETRY_PAUSE_S)

    def _give_up(self, batch: list[Post]) -> None:
        """Nothing of what waits has happened, and nobody waits any longer."""
        self._left += len(self._waiting)
        posts = [*batch, *self._waiting]
        self._waiting.clear()
        reads, self._reads = self._reads, deque()
        self._outcomes.failed(posts, Code.UNAVAILABLE)
        for read in reads:
            read.callback([Lost()] * len(read.commands))


def _again(reply: object) -> bool:
    """Whether the store did nothing, and may do it if it is sent again."""
    return isinstance(reply, Refused) and reply.again
