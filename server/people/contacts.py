"""Asks other partitions what must be known of them before a post, so that most refusals come at
once instead of on arrival.

What is answered well is remembered: for good, that an account is there (none ever vanishes); for a
moment, what may change, if the arrival asks it again. A post that waits for an answer holds up the
later posts of its connection, and nobody else.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from protocol.errors import Code

from ..commit.pipeline import RETRY_MAX_S
from ..ledger.lookups import Lookup, Question, hint_of
from ..ledger.posts import Post
from ..store.connection import Command, Down, Lost, Refused

if TYPE_CHECKING:
    from ..peer import Peer
    from ..services import Services

ANSWER_S = RETRY_MAX_S
"""How long a post waits for a partition that is there but does not answer, as it would wait for its
own; then it is `busy`. Where the store is gone it is `unavailable` as soon as that is known."""
FRESH_S = 5.0
"""How long a good answer is believed that may change."""
KNOWN_MAX = 100_000
"""Good answers that are remembered; the oldest are forgotten. About 20 MB."""
PARKED_MAX = 1_000
"""Posts of one connection that may wait for an answer; more are `busy`."""

_FOREVER = float("inf")


Finish = Callable[[Post | None], None]
"""Takes a post that is ready; None, if its frame was answered already."""
Begin = Callable[[Finish], None]
"""Reads what a post depends on, and finishes it, once."""


class _Parked:
    """A post that waits, for answers of its own or behind others of its connection."""

    __slots__ = ("answers", "begin", "early", "id", "missing", "post", "timer")

    def __init__(self, id: str, post: Post | None = None, begin: Begin | None = None) -> None:
        self.id = id
        self.post = post
        self.begin = begin
        """What is to be done when it stands first, before there is a post."""
        self.answers: dict[bytes, object] = {}
        """By the key of the lookup."""
        self.missing = 0
        """Partitions that have not answered."""
        self.timer: asyncio.TimerHandle | None = None
        self.early = False
        """Whether it is asked for while earlier posts wait, which may change the answer."""


class Contacts:
    """Sends posts on when what they need to know of other partitions is known."""

    def __init__(self, services: Services) -> None:
        self._pipeline_of = services.pipeline_of
        self._services = services
        self.parked: dict[Peer, deque[_Parked]] = {}
        """Posts that wait, in order, by connection."""
        self._known: dict[bytes, float] = {}
        """Good answers, by the key of the lookup, and until when they are believed."""
        self._going: set[Peer] = set()
        """Whose posts are being sent on now."""
        self.asked = 0
        """Posts that had to wait for an answer."""

    def post(self, peer: Peer, post: Post) -> None:
        """Send `post` on as soon as it may go, behind all earlier ones of `peer`."""
        queue = self.parked.get(peer)
        unknown = self._unknown(post)
        if queue is None:
            if not unknown:
                self._pipeline_of(post.partition).post(post)
                return
            queue = self.parked[peer] = deque()
        elif len(queue) >= PARKED_MAX:
            peer.refuse_post(post, Code.BUSY)
            return
        parked = _Parked(post.id, post)
        parked.early = bool(queue)
        queue.append(parked)
        if unknown:
            self.asked += 1
            self._ask(peer, parked, unknown)

    def hold(self, peer: Peer, id: str, begin: Begin) -> None:
        """Call `begin` when all earlier posts of `peer` have left, so that what it reads is behind
        them; later ones leave behind the post that it finishes."""
        queue = self.parked.get(peer)
        if queue is None:
            queue = self.parked[peer] = deque()
        elif len(queue) >= PARKED_MAX:
            peer.refuse(Code.BUSY, id)
            return
        self.asked += 1
        queue.append(_Parked(id, begin=begin))
        self._let_go(peer)

    def _begin(self, peer: Peer, parked: _Parked, begin: Begin) -> None:
        def finish(post: Post | None) -> None:
            if parked.timer is None:  # given up
                return
            parked.timer.cancel()
            parked.timer = None
            if post is None:
                self.parked[peer].remove(parked)
            else:
                parked.post = post
                if unknown := self._unknown(post):
                    self._ask(peer, parked, unknown)
            self._let_go(peer)

        parked.begin = None
        loop = asyncio.get_running_loop()
        parked.timer = loop.call_later(ANSWER_S, self._give_up, peer, parked, Code.BUSY)
        try:
            begin(finish)
        except Down:
            self._give_up(peer, parked, Code.UNAVAILABLE)

    def _unknown(self, post: Post) -> list[Lookup]:
        """What is to be asked for `post`."""
        now, known = asyncio.get_running_loop().time(), self._known
        return [lookup for lookup in post.lookups if known.get(lookup.key, 0.0) <= now]

    def _ask(self, peer: Peer, parked: _Parked, unknown: list[Lookup]) -> None:
        by_partition: dict[int, list[Lookup]] = {}
        for lookup in unknown:
            by_partition.setdefault(lookup.partition, []).append(lookup)
        parked.missing = len(by_partition)
        loop = asyncio.get_running_loop()
        parked.timer = loop.call_later(ANSWER_S, self._too_late, peer, parked)
        for partition, some in by_partition.items():
            try:
                self._ask_one(peer, parked, partition, some)
            except Down:
                self._give_up(peer, parked, Code.UNAVAILABLE)
                return

    def _ask_one(self, peer: Peer, parked: _Parked, partition: int, lookups: list[Lookup]) -> None:
        commands: list[Command] = list(dict.fromkeys(lookup.command for lookup in lookups))

        def take(replies: list[object]) -> None:
            if parked.timer is None:  # given up
                return
            if any(isinstance(reply, Lost) or _again(reply) for reply in replies):
                self._give_up(peer, parked, Code.UNAVAILABLE)
                return
            by_command = dict(zip(commands, replies, strict=True))
            for lookup in lookups:
                answer = by_command[lookup.command]
                parked.answers[lookup.key] = answer
                self._remember(lookup, answer)
            parked.missing -= 1
            if not parked.missing:
                self._answered(peer, parked)

        self._pipeline_of(partition).read(commands, take)

    def _remember(self, lookup: Lookup, answer: object) -> None:
        if not lookup.checked and lookup.question is not Question.THERE:
            return
        if isinstance(answer, Refused) or lookup.judge(answer):
            return
        key, known = lookup.key, self._known
        known.pop(key, None)
        if lookup.question is Question.THERE:
            known[key] = _FOREVER
        else:
            known[key] = asyncio.get_running_loop().time() + FRESH_S
        if len(known) > KNOWN_MAX:
            del known[next(iter(known))]

    def _answered(self, peer: Peer, parked: _Parked) -> None:
        assert parked.timer is not None
        parked.timer.cancel()
        parked.timer = None
        post, answers = parked.post, parked.answers
        assert post is not None
        asked = [one for one in post.lookups if one.key in answers]
        found = hint_of(tuple(asked), [answers[one.key] for one in asked])
        if found and parked.early:  # who has just joined is a member when their join has left
            parked.early = False
            parked.begin = lambda finish: finish(post)
            self._let_go(peer)
            return
        post.hint = min(hint for hint in (found, post.hint) if hint) if found else post.hint
        self._let_go(peer)

    def _too_late(self, peer: Peer, parked: _Parked) -> None:
        channel_of, post = self._services.channel, parked.post
        assert post is not None
        there = all(channel_of(lookup.partition).up for lookup in post.lookups)
        self._give_up(peer, parked, Code.BUSY if there else Code.UNAVAILABLE)

    def _give_up(self, peer: Peer, parked: _Parked, code: Code) -> None:
        """Another partition does not answer: nothing has happened, as `code` says."""
        if parked.timer is not None:
            parked.timer.cancel()
            parked.timer = None
        self.parked[peer].remove(parked)
        peer.refuse(code, parked.id)
        self._let_go(peer)

    def _let_go(self, peer: Peer) -> None:
        """Send on what stands first and waits for nothing."""
        queue = self.parked.get(peer)
        if queue is None or peer in self._going:  # what is known at once does not go deeper
            return
        self._going.add(peer)
        try:
            while queue and queue[0].timer is None:
                first = queue[0]
                if first.begin is not None:
                    self._begin(peer, first, first.begin)
                    continue
                queue.popleft()
                assert first.post is not None
                self._pipeline_of(first.post.partition).post(first.post)
        finally:
            self._going.discard(peer)
        if not queue:
            del self.parked[peer]


def _again(reply: object) -> bool:
    return isinstance(reply, Refused) and reply.again
