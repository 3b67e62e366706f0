"""What becomes of posts once the store has answered a call, or will not: each goes to the desk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import structlog

from protocol.errors import Code

from ..ledger.posts import Post, results
from ..ledger.status import DONE, Status
from .durability import RANK, Durable, Promise

_DONE = (*DONE, Status.DUPLICATE)

Result = list[int | bytes]
"""The status of a post, and what comes with it; see the contract."""


class Desk(Protocol):
    """Who takes the results of posts."""

    def settled(self, post: Post, at: int, result: Result, durable: Durable) -> None: ...

    def failed(self, post: Post, code: Code) -> None: ...

    def flush(self) -> None: ...


class Carrier(Protocol):
    """Who is told of every call, after the desk, because posts may have legs elsewhere."""

    def settled(self, posts: list[Post], at: int, found: list[Result]) -> None: ...

    def failed(self, posts: list[Post]) -> None: ...


@dataclass
class Load:
    """What waits for an answer in all pipelines of a hub together."""

    posts: int = 0
    bytes: int = 0


class Outcomes:
    """Tells the desk, then the carrier, in the order of the posts."""

    def __init__(self, desk: Desk, load: Load, promise: Promise, carrier: Carrier | None) -> None:
        self._desk = desk
        self._load = load
        self._promise = promise
        self._carrier = carrier
        self._log = structlog.get_logger("pipeline")

    def answered(
        self, batch: list[Post], reply: list[object], wanted: Durable, reached: Durable
    ) -> None:
        """The store answered a call whose posts were to be `wanted`, and are `reached`."""
        try:
            found = results(batch, reply)
        except (IndexError, ValueError):  # whose answer is whose is not known any more
            self._log.exception("the store's answer does not fit the call", posts=len(batch))
            self.failed(batch, Code.OUTCOME_UNKNOWN)
            return
        self._ended(batch)
        if RANK[reached] < RANK[wanted]:
            batch, found = self._safe_enough(batch, found, reached)
        at: int = reply[0]  # type: ignore[assignment]
        desk = self._desk
        for post, result in zip(batch, found, strict=True):
            try:
                desk.settled(post, at, result, reached)
            except Exception:  # one post's mistake must not cost the others their answers
                self._log.exception("a settled post could not be announced", box=post.box)
                desk.failed(post, Code.OUTCOME_UNKNOWN)
        desk.flush()
        if self._carrier is not None:
            try:
                self._carrier.settled(batch, at, found)
            except Exception:  # its mistake must not cost everyone the store connection
                self._log.exception("a courier could not take what was settled")

    def failed(self, batch: list[Post], code: Code) -> None:
        """The store did not answer, or did nothing: `code` says which."""
        self._ended(batch)
        self.turned_away(batch, code)

    def turned_away(self, posts: list[Post], code: Code) -> None:
        """The same for posts that were never part of the load."""
        for post in posts:
            self._desk.failed(post, code)
        if self._carrier is not None and posts:
            self._carrier.failed(posts)

    def _ended(self, batch: list[Post]) -> None:
        self._load.posts -= len(batch)
        self._load.bytes -= sum(len(post.body) for post in batch)

    def _safe_enough(
        self, batch: list[Post], found: list[Result], reached: Durable
    ) -> tuple[list[Post], list[Result]]:
        """Those of `batch` that are as safe as they must be. What is stored, but less safely, is
        unknown: who asks again by the same id asks for the safety, too."""
        least, rank = RANK[self._promise.least], RANK[reached]
        safe: list[tuple[Post, Result]] = []
        unsafe: list[Post] = []
        for post, result in zip(batch, found, strict=True):
            if result[0] in _DONE and rank < max(least, RANK[post.durable]):
                unsafe.append(post)
            else:
                safe.append((post, result))
        self.turned_away(unsafe, Code.OUTCOME_UNKNOWN)
        return [post for post, _ in safe], [result for _, result in safe]
