"""Rooms: made, joined, left, and who is in them."""

from __future__ import annotations

from msgspec import UNSET

from protocol.errors import Code, FrameError
from protocol.frames import Create, Join, Leave, Member, Members, MembersPage

from ..ledger import routing
from ..peer import Peer
from ..replies import values
from ..services import Services
from .posting import draft


def change(services: Services, peer: Peer, frame: Create | Join | Leave) -> None:
    """Make, join or leave a room; an entry of the room tells it to everyone there."""
    post = draft(services, peer, frame)
    most = services.settings.rooms_per_account
    routing.membership(services.keyspace, post, peer.keys, frame, most)
    services.post(peer, post)


def members(services: Services, peer: Peer, frame: Members) -> None:
    """A page of the members of a room one is in."""
    if peer.party is None or frame.room not in peer.party.rooms:
        raise FrameError(Code.NOT_A_MEMBER, frame.id)
    list_members(services, peer, frame)


def list_members(services: Services, peer: Peer, frame: Members) -> None:
    """Answer with the page, if the peer is a member."""

    def answer(replies: list[object]) -> None:
        found = values(peer, frame.id, replies)
        if found is None:
            return
        roles = found[0]
        assert isinstance(roles, dict)
        if peer.handle.encode() not in roles:
            peer.refuse(Code.NOT_A_MEMBER, frame.id)
            return
        after = b"" if frame.after is UNSET else frame.after.encode()
        names = sorted(name for name in roles if name > after)
        page = [Member(name.decode(), roles[name].decode()) for name in names[: frame.limit]]
        peer.send(MembersPage(frame.id, frame.room, page, len(names) > frame.limit))

    room = services.keyspace.of(frame.room)
    services.pipeline_of(room.partition).read([("HGETALL", room.members)], answer)
