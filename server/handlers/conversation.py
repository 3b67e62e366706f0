"""Words: messages, and the markers that follow them."""

from __future__ import annotations

from protocol.errors import Code, FrameError
from protocol.frames import Delivered, Message, Read

from ..ledger.posts import Post
from ..peer import Peer
from ..services import Services
from .posting import draft


def message(services: Services, peer: Peer, frame: Message) -> None:
    """Words to a person or a room."""
    post = draft(services, peer, frame)
    if frame.to[0] == "@":
        _to_person(services, post, peer, frame.to)
    elif frame.to[0] == "#":
        _to_room(services, post, frame.to)
    else:
        raise FrameError(Code.NAME_INVALID, frame.id)
    services.pipeline.post(post)


def marker(services: Services, peer: Peer, frame: Read | Delivered) -> None:
    """How far a conversation was read, or arrived.

    The other person of a direct conversation sees it; a room's marker is kept in one's own box.
    """
    post = draft(services, peer, frame)
    if frame.to[0] == "@":
        _to_person(services, post, peer, frame.to)
    elif frame.to[0] == "#":
        room = services.keyspace.of(frame.to)
        post.room = post.members = room
        _to_self(post, peer)
    else:
        raise FrameError(Code.NAME_INVALID, frame.id)
    services.pipeline.post(post)


def _to_person(services: Services, post: Post, peer: Peer, to: str) -> None:
    if to == post.who:
        post.to = peer.keys
        _to_self(post, peer)
        return
    other = services.keyspace.of(to)
    post.to = other
    post.box = post.who
    post.boxes = (peer.keys.box, other.box)
    post.names = (post.who, to)


def _to_self(post: Post, peer: Peer) -> None:
    post.box = post.who
    post.boxes = (peer.keys.box,)
    post.names = (post.who,)


def _to_room(services: Services, post: Post, to: str) -> None:
    room = services.keyspace.of(to)
    post.room = post.members = room
    post.box = to
    post.boxes = (room.box,)
    post.names = (to,)
