"""Replies of ordered reads: all of them values, or an honest error to whoever asked."""

from __future__ import annotations

from protocol.errors import Code

from .peer import Peer
from .store.connection import Lost, Refused


def values(peer: Peer, id: str, replies: list[object]) -> list[object] | None:
    """`replies` if each is a value and somebody still waits for them; else None, and the peer is
    told: a read that was lost or refused changed nothing, so it is `unavailable`."""
    if peer.gone:
        return None
    if any(isinstance(reply, (Lost, Refused)) for reply in replies):
        peer.refuse(Code.UNAVAILABLE, id)
        return None
    return replies
