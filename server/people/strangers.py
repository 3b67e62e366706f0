"""How many people an account may address that never had to do with it: few while it is new.

Whom somebody has written to before, or been addressed by, stands in the pair of the two, in the
sender's partition. It is asked once for each of them and remembered; then nothing is asked any
more. Each hub counts for itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocol.errors import Code

from ..edge.limits import Buckets
from ..ledger.posts import Mode, Post
from ..peer import Peer
from ..store.connection import Command, Lost, Refused
from .contacts import Finish
from .halves import half_of

if TYPE_CHECKING:
    from ..services import Services

NEW_MS = 24 * 3_600_000
"""How long an account is new."""
HOUR_S = 3_600.0
KNOWN_MAX = 50_000
"""Pairs that are remembered; the oldest are forgotten, and asked again."""


class Strangers:
    """Counts first contacts, for one hub."""

    def __init__(self, services: Services) -> None:
        settings = services.settings
        self._services = services
        self._new = _per_hour(settings.first_contacts_new_per_h)
        self._old = _per_hour(settings.first_contacts_per_h)
        self.known: dict[bytes, None] = {}
        """Keys of pairs that need not be asked for."""

    def unknown(self, post: Post) -> bool:
        """Whether `post` may be a first contact."""
        return post.mode is Mode.ASK and bool(post.pair) and post.pair not in self.known

    def judge(self, peer: Peer, post: Post, finish: Finish) -> None:
        """Finish `post`, or refuse it as `rate_limited`.

        Raises:
            Down: nothing was asked.
        """

        def take(replies: list[object]) -> None:
            if any(isinstance(one, (Lost, Refused)) for one in replies):
                peer.refuse(Code.UNAVAILABLE, post.id)
                finish(None)
                return
            pair, created = replies
            first = half_of(pair, post.who, _other(post)) == "-"
            if first and (wait := self._take(post.who, created)):
                self._refuse(peer, post, wait)
                finish(None)
                return
            self._remember(post.pair)
            finish(post)

        keys = peer.keys
        commands: list[Command] = [("GET", post.pair), ("HGET", keys.profile, "created")]
        self._services.pipeline_of(keys.partition).read(commands, take)

    def _take(self, who: str, created: object) -> float:
        """Take one first contact of `who`; 0, or the seconds to wait."""
        at = int(created) if isinstance(created, bytes) and created.isdigit() else 0
        new = self._services.store_now() - at < NEW_MS
        return (self._new if new else self._old).take(who, self._services.now())

    def _refuse(self, peer: Peer, post: Post, wait_s: float) -> None:
        self._services.counters.rate_limited += 1
        wait_ms = int(wait_s * 1000) + 1
        peer.refuse(Code.RATE_LIMITED, post.id, retry_after_ms=wait_ms, of="first contacts")

    def _remember(self, pair: bytes) -> None:
        self.known[pair] = None
        if len(self.known) > KNOWN_MAX:
            del self.known[next(iter(self.known))]


def _per_hour(number: int) -> Buckets:
    return Buckets(number / HOUR_S, number)


def _other(post: Post) -> str:
    """The other one of the pair: its key ends with both names, in order."""
    names = post.pair.decode().partition("f:")[2]
    if names.startswith(f"{post.who}@"):
        return names[len(post.who) :]
    return names[: -len(post.who)]
