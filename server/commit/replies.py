"""Replies of ordered reads: all of them values, or an honest error to whoever asked."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from protocol.errors import Code

from ..peer import Peer
from ..store.connection import Command, Down, Lost, Refused

if TYPE_CHECKING:
    from ..services import Services


def values(peer: Peer, id: str, replies: list[object]) -> list[object] | None:
    """`replies` if each is a value and somebody still waits for them; else None, and the peer is
    told: a read that was lost or refused changed nothing, so it is `unavailable`."""
    if peer.gone:
        return None
    if any(isinstance(reply, (Lost, Refused)) for reply in replies):
        peer.refuse(Code.UNAVAILABLE, id)
        return None
    return replies


def read_all(
    services: Services,
    wanted: dict[int, list[Command]],
    take: Callable[[dict[int, list[object]] | None], None],
) -> None:
    """Ask several partitions; `take` gets the replies of each, or None where one cannot answer.

    Each partition is asked behind the posts that were given for it before.
    """
    found: dict[int, list[object]] = {}
    failed = False

    def gather(partition: int, replies: list[object]) -> None:
        nonlocal failed
        found[partition] = replies
        failed = failed or any(isinstance(reply, (Lost, Refused)) for reply in replies)
        if len(found) == len(wanted):
            take(None if failed else found)

    if not wanted:
        take(found)
    for partition, commands in wanted.items():
        try:
            services.pipeline_of(partition).read(commands, partial(gather, partition))
        except Down:
            gather(partition, [Lost()])
