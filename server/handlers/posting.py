"""How a handler drafts a post."""

from __future__ import annotations

from typing import Any

from protocol.errors import Code, FrameError
from protocol.frames import ClientFrame

from ..ledger.entries import digest_of, encode_entry, entry_of
from ..ledger.posts import Post
from ..peer import Peer
from ..services import Services


def draft(services: Services, peer: Peer, frame: Any, money: bool = False) -> Post:
    """A post of `frame`, with its mark, digest and entry; the handler adds boxes and money.

    Raises:
        FrameError: `rate_limited`, when the account posts too fast.
    """
    id: str = frame.id
    party = peer.party
    if party is not None and party.bucket is not None:
        wait = party.bucket.take(services.now())
        if wait:
            services.counters.rate_limited += 1
            raise FrameError(Code.RATE_LIMITED, id, retry_after_ms=int(wait * 1000) + 1)
    handle = peer.handle
    entry = entry_of(frame, handle)
    body = encode_entry(entry)
    old = not money and services.ages.too_old(id)
    mark = peer.keys.marks + id.encode()
    return Post(frame, id, peer, handle, mark, digest_of(body), body, old, entry=entry)


def draft_without_entry(services: Services, peer: Peer, frame: ClientFrame) -> Post:
    """A post that changes something but is not an entry of any box."""
    id: str = frame.id  # type: ignore[attr-defined]
    mark = peer.keys.marks + id.encode()
    old = services.ages.too_old(id)
    return Post(frame, id, peer, peer.handle, mark, digest_of(encode_entry(frame)), old=old)
