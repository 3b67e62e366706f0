"""Words: messages, and the markers that follow them."""

from __future__ import annotations

from msgspec import UNSET

from protocol.errors import Code, FrameError
from protocol.frames import Delivered, Message, MessageEntry, Read

from ..ledger import routing, routing_entries
from ..ledger.posts import Post
from ..peer import Peer
from ..people.contacts import Finish
from ..rooms.pace import keep_pace
from ..services import Services
from .aiming import aim, check_mentions
from .contact import has_met, read_marker
from .posting import draft, only_for_members


def message(services: Services, peer: Peer, frame: Message) -> None:
    """Words to a person or a room."""
    post = draft(services, peer, frame)
    if frame.to[0] == "@":
        routing.to_person(services.keyspace, post, peer.keys, frame.to)
        post.mode = services.modes[MessageEntry]
    elif frame.to[0] == "#":
        routing.to_room(services.keyspace, post, peer.keys, frame.to)
        only_for_members(services, peer, post, frame.to)
        room = services.hub.rooms.get(frame.to)
        if room is not None and room.slow_s:
            keep_pace(services, post, room)
    else:
        raise FrameError(Code.NAME_INVALID, frame.id)
    if frame.ref is not UNSET or frame.thread is not UNSET or frame.expires_s is not UNSET:
        routing_entries.note(services.keyspace, post, services.store_now())
    if frame.mentions is not UNSET:
        check_mentions(services, post, frame.to, frame.mentions)
    services.post(peer, post)


def marker(services: Services, peer: Peer, frame: Read | Delivered) -> None:
    """How far a conversation was read, or arrived.

    The other person of a direct conversation sees it, if both want receipts. A room's marker is
    kept in one's own box, and told to those who are in a small room now.
    """
    post = draft(services, peer, frame)
    if isinstance(frame, Read):
        post.changes = read_marker(peer.keys, frame)
    if frame.to[0] == "@":
        _mark_for(services, peer, post, frame.to)
    elif frame.to[0] == "#":
        routing.room_marker(services.keyspace, post, peer.keys, frame.to)
        only_for_members(services, peer, post, frame.to)
        services.post(peer, post)
        services.receipts.tell_room(peer, frame)
    else:
        raise FrameError(Code.NAME_INVALID, frame.id)


def _mark_for(services: Services, peer: Peer, post: Post, to: str) -> None:
    """Post a marker for the box of `to` too, once it is known whether both want that."""
    receipts, own = services.receipts, peer.party is None or peer.party.receipts

    def aimed(wants: bool) -> Post:
        if own and wants:
            aim(services, peer, post, to)
        else:
            routing.to_self(post, peer.keys)
            if to != peer.handle:
                post.conditions = (has_met(peer.keys, to),)
        return post

    def begin(finish: Finish) -> None:
        def found(wants: bool | None) -> None:
            if wants is None:
                peer.refuse(Code.UNAVAILABLE, post.id)
            finish(None if wants is None else aimed(wants))

        receipts.ask(to, found)

    wants = receipts.wants(to) if own and to != peer.handle else True
    if wants is None:
        services.contacts.hold(peer, post.id, begin)
    else:
        services.post(peer, aimed(wants))
