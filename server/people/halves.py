"""What people think of each other, as far as presence and profiles must know it.

Whether somebody has accepted somebody else stands in the first one's partition; see
`Keyspace.pair`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from protocol.errors import Code

from ..ledger.keys import Keyspace
from ..peer import Peer
from ..store.connection import Command, Down, Lost, Refused

if TYPE_CHECKING:
    from ..services import Services

FRESH_S = 10.0
"""How long it is believed, for typing, that somebody has accepted somebody, or not."""
KNOWN_MAX = 20_000


def half_of(pair: object, subject: str, other: str) -> str:
    """What `subject` thinks of `other`, from the stored pair."""
    if not isinstance(pair, bytes) or len(pair) != 2:
        return "-"
    return chr(pair[0] if subject < other else pair[1])


def accepts(half: str, strangers: str) -> bool:
    """Whether who thinks so has accepted the other; where `strangers` are "open", everybody who was
    not turned away counts as accepted."""
    return half == "A" or (strangers == "open" and half not in "BD")


def pair_keys(keyspace: Keyspace, names: list[str], other: str) -> dict[int, list[str]]:
    """`names` by their partitions, where their thoughts of `other` stand."""
    if keyspace.partitions == 1:
        return {0: names} if names else {}
    by_partition: dict[int, list[str]] = {}
    for name in names:
        by_partition.setdefault(keyspace.partition_of(name), []).append(name)
    return by_partition


def _accepting(names: list[str], pairs: list[object], other: str, strangers: str) -> list[str]:
    """Those of `names` who have accepted `other`. Most have never heard of each other, so nothing
    is stored of them; in a storm there are many."""
    unknown = accepts("-", strangers)
    return [
        name
        for name, pair in zip(names, pairs, strict=True)
        if (unknown if pair is None else accepts(half_of(pair, name, other), strangers))
    ]


class Halves:
    """Asks who has accepted whom."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: dict[tuple[str, str], tuple[bool, float]] = {}

    def forget(self, one: str, other: str) -> None:
        """They think otherwise of each other now."""
        self._known.pop((one, other), None)
        self._known.pop((other, one), None)

    def accepting(
        self, peer: Peer, id: str, names: list[str], then: Callable[[list[str]], None]
    ) -> None:
        """`then` gets those of `names` who have accepted `peer`; where that cannot be known, the
        peer is told that its question `id` is `unavailable`.

        Raises:
            Down: nothing was asked.
        """
        services, handle = self._services, peer.handle
        keyspace, strangers = services.keyspace, services.settings.strangers
        by_partition = pair_keys(keyspace, names, handle)
        if any(not services.channel(partition).up for partition in by_partition):
            raise Down
        found: list[str] = []
        missing, failed = len(by_partition), False

        def take(some: list[str], replies: list[object]) -> None:
            nonlocal missing, failed
            missing -= 1
            pairs = replies[0]
            if isinstance(pairs, list):
                found.extend(_accepting(some, pairs, handle, strangers))
            else:
                failed = True
            if missing:
                return
            if failed:
                peer.refuse(Code.UNAVAILABLE, id)
            else:
                then(found)

        if not by_partition:
            then([])
        for partition, some in by_partition.items():
            command: Command = ("MGET", *keyspace.pairs(partition, some, handle))
            try:
                services.pipeline_of(partition).read_ahead(
                    [command],
                    lambda replies, some=some: take(some, replies),  # type: ignore[misc]
                )
            except Down:
                take(some, [Lost()])

    def if_accepting(self, subject: str, other: str, then: Callable[[], None]) -> None:
        """Do it if `subject` has accepted `other`; where that cannot be known, do not."""
        now = asyncio.get_running_loop().time()
        known = self._known.get((subject, other))
        if known is not None and known[1] > now:
            if known[0]:
                then()
            return
        services = self._services
        partition = services.keyspace.partition_of(subject)

        def take(replies: list[object]) -> None:
            if isinstance(replies[0], (Lost, Refused)):
                return
            half = half_of(replies[0], subject, other)
            self._remember(subject, other, accepts(half, services.settings.strangers))
            if accepts(half, services.settings.strangers):
                then()

        key = services.keyspace.pair(partition, subject, other)
        with suppress(Down):
            services.pipeline_of(partition).read_ahead([("GET", key)], take)

    def _remember(self, subject: str, other: str, accepted: bool) -> None:
        known = self._known
        known.pop((subject, other), None)
        known[subject, other] = accepted, asyncio.get_running_loop().time() + FRESH_S
        if len(known) > KNOWN_MAX:
            del known[next(iter(known))]
