"""Words: messages, and the markers that follow them."""

from __future__ import annotations

from protocol.errors import Code, FrameError
from protocol.frames import Delivered, Message, Read

from ..ledger import routing
from ..peer import Peer
from ..services import Services
from .posting import draft, only_for_members


def message(services: Services, peer: Peer, frame: Message) -> None:
    """Words to a person or a room."""
    post = draft(services, peer, frame)
    if frame.to[0] == "@":
        routing.to_person(services.keyspace, post, peer.keys, frame.to)
    elif frame.to[0] == "#":
        routing.to_room(services.keyspace, post, peer.keys, frame.to)
        only_for_members(services, peer, post, frame.to)
    else:
        raise FrameError(Code.NAME_INVALID, frame.id)
    services.post(peer, post)


def marker(services: Services, peer: Peer, frame: Read | Delivered) -> None:
    """How far a conversation was read, or arrived.

    The other person of a direct conversation sees it; a room's marker is kept in one's own box.
    """
    post = draft(services, peer, frame)
    if frame.to[0] == "@":
        routing.to_person(services.keyspace, post, peer.keys, frame.to)
    elif frame.to[0] == "#":
        routing.room_marker(services.keyspace, post, peer.keys, frame.to)
        only_for_members(services, peer, post, frame.to)
    else:
        raise FrameError(Code.NAME_INVALID, frame.id)
    services.post(peer, post)
