"""How a handler drafts a post."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from protocol.errors import Code, FrameError
from protocol.frames import ClientFrame, Deposit, Edit, Entry, Message, Payment, Profile

from ..edge.limits import Bucket
from ..ledger.entries import digest_of, encode_entry, entry_of, message_entry
from ..ledger.posts import Post
from ..ledger.status import Status
from ..peer import Peer
from ..seal.words import sealed_body
from ..services import Services

WORDED = frozenset((Message, Edit, Payment, Deposit, Profile))
"""Frames with words, which are sealed."""


def draft(
    services: Services, peer: Peer, frame: Any, money: bool = False, entry: Entry | None = None
) -> Post:
    """A post of `frame`, with its mark, digest and entry; the handler adds boxes and money.

    `entry`: the one that it makes, where that has more than the frame; the digest is then over the
    frame alone. The key of whose words these are must be at hand.

    Raises:
        FrameError: `rate_limited`, when the account posts too fast.
    """
    id: str = frame.id
    party = peer.party
    if party is not None and party.bucket is not None:
        take_turn(services, party.bucket, id)
    handle = peer.handle
    if entry is not None:
        body, digest = services.seals.body(entry), digest_of(encode_entry(frame))
    else:
        kind = type(frame)
        if kind is Message:  # the hub's hot path
            entry = message_entry(frame, handle, "")
            body, digest = peer.seal.body(entry, frame.text)
        else:
            entry = entry_of(frame, handle)
            plain = kind not in WORDED or (kind is Payment and frame.text is UNSET)
            body = encode_entry(entry) if plain else sealed_body(peer.seal, entry)
            digest = digest_of(body)
    old = not money and services.ages.too_old(id)
    mark = peer.keys.marks + id.encode()
    return Post(frame, id, peer, handle, mark, digest, body, old, entry=entry)


def take_turn(services: Services, bucket: Bucket, id: str) -> None:
    """One more post of an account.

    Raises:
        FrameError: `rate_limited`, when it posts too fast.
    """
    wait = bucket.take(services.now())
    if wait:
        services.counters.rate_limited += 1
        raise FrameError(Code.RATE_LIMITED, id, retry_after_ms=int(wait * 1000) + 1)


def only_for_members(services: Services, peer: Peer, post: Post, room: str) -> None:
    """Refuse a stranger's post for a room of another region, which is not asked."""
    if room in services.keyspace.abroad and (peer.party is None or room not in peer.party.rooms):
        post.hint = Status.NOT_A_MEMBER


def draft_without_entry(services: Services, peer: Peer, frame: ClientFrame) -> Post:
    """A post that changes something but is not an entry of any box."""
    id: str = frame.id  # type: ignore[attr-defined]
    mark = peer.keys.marks + id.encode()
    old = services.ages.too_old(id)
    return Post(frame, id, peer, peer.handle, mark, digest_of(encode_entry(frame)), old=old)
