"""The devices that an account is logged in on."""

from __future__ import annotations

from msgspec import UNSET

from protocol.errors import Code
from protocol.frames import Devices, DevicesPage, Revoke

from ..commit.replies import values
from ..ledger.conditions import Change, Op
from ..ledger.posts import Post
from ..ledger.routing import to_self
from ..peer import Peer
from ..people.contacts import Finish
from ..people.devices import last_field, own_device, tokens_in
from ..services import Services
from .posting import draft

REVOKED_MAX = 100
"""Tokens that one post drops; an account that was opened before there was a limit may have more."""


def devices(services: Services, peer: Peer, frame: Devices) -> None:
    """Which devices are logged in, and when each was last there."""

    def answer(replies: list[object]) -> None:
        found = values(peer, frame.id, replies)
        if found is None or peer.party is None:
            return
        assert isinstance(found[0], dict)
        there = {one.token_field for one in peer.party.listeners if isinstance(one, Peer)}
        now, current = services.store_now(), peer.token_field
        tokens = tokens_in(found[0])
        known = [own_device(one, current, one.field in there, now) for one in tokens]
        known.sort(key=lambda one: -one.seen)
        peer.send(DevicesPage(frame.id, known))

    command = ("HGETALL", peer.keys.tokens)
    services.pipeline_of(peer.keys.partition).read([command], answer)


def revoke(services: Services, peer: Peer, frame: Revoke) -> None:
    """Log out one device, or all others. Which tokens these are is read first; the post drops them
    in the same step that appends the entry, by which every hub knows."""
    post = draft(services, peer, frame)
    to_self(post, peer.keys)
    post.to = peer.keys

    def begin(finish: Finish) -> None:
        def take(replies: list[object]) -> None:
            found = values(peer, frame.id, replies)
            if found is None:
                finish(None)
                return
            mark, stored = found
            assert isinstance(stored, dict)
            fields = _meant(frame, stored, peer.token_field)
            if frame.device is not UNSET and not fields and mark is None:
                peer.refuse(Code.UNKNOWN_DEVICE, frame.id)
                finish(None)
            else:
                _drop(services, peer, post, fields)
                finish(post)

        commands = [("GET", post.mark), ("HGETALL", peer.keys.tokens)]
        services.pipeline_of(peer.keys.partition).read(commands, take)  # type: ignore[arg-type]

    services.contacts.hold(peer, frame.id, begin)


def _meant(frame: Revoke, stored: dict[bytes, bytes], own: str) -> list[str]:
    """Fields of the tokens that `frame` speaks of."""
    tokens = tokens_in(stored)
    if frame.device is UNSET:
        return [one.field for one in tokens if one.field != own]
    return [one.field for one in tokens if one.device == frame.device]


def _drop(services: Services, peer: Peer, post: Post, fields: list[str]) -> None:
    key = peer.keys.tokens
    for field in fields[:REVOKED_MAX]:
        post.changes += (Change(key, Op.DROP, field), Change(key, Op.DROP, last_field(field)))
    if rest := fields[REVOKED_MAX:]:
        services.channel(peer.keys.partition).send(("HDEL", key, *rest), _ignore)


def _ignore(reply: object) -> None:
    """If it did not happen, the entry's question is answered by the next one."""
