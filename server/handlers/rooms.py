"""Rooms: made, joined, left, and who is in them."""

from __future__ import annotations

from msgspec import UNSET

from protocol.errors import Code, FrameError
from protocol.frames import Create, Join, Leave, Member, Members, MembersPage

from ..ledger.posts import Kind
from ..peer import Peer
from ..replies import values
from ..services import Services
from .posting import draft

_KIND = {Create: Kind.CREATE, Join: Kind.JOIN, Leave: Kind.LEAVE}


def change(services: Services, peer: Peer, frame: Create | Join | Leave) -> None:
    """Make, join or leave a room; an entry of the room tells it to everyone there."""
    post = draft(services, peer, frame)
    post.kind = _KIND[type(frame)]
    room = services.keyspace.of(frame.room)
    post.room = post.members = room
    post.box = frame.room
    post.boxes = (room.box,)
    post.names = (frame.room,)
    joined = peer.keys.joined
    post.extra = (joined, frame.room)
    if post.kind is not Kind.LEAVE:
        post.extra += (services.settings.rooms_per_account,)
    services.pipeline.post(post)


def members(services: Services, peer: Peer, frame: Members) -> None:
    """A page of the members of a room one is in."""
    if peer.party is None or frame.room not in peer.party.rooms:
        raise FrameError(Code.NOT_A_MEMBER, frame.id)

    def answer(replies: list[object]) -> None:
        found = values(peer, frame.id, replies)
        if found is None:
            return
        pairs = found[0]
        assert isinstance(pairs, list)
        roles = dict(zip(pairs[::2], pairs[1::2], strict=True))
        after = b"" if frame.after is UNSET else frame.after.encode()
        names = sorted(name for name in roles if name > after)
        page = [Member(name.decode(), roles[name].decode()) for name in names[: frame.limit]]
        peer.send(MembersPage(frame.id, frame.room, page, len(names) > frame.limit))

    services.pipeline.read([("HGETALL", services.keyspace.of(frame.room).members)], answer)
