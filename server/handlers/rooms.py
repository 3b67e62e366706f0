"""Rooms: made, joined and left, and who is in them."""

from __future__ import annotations

from msgspec import UNSET

from protocol.errors import Code, FrameError
from protocol.frames import (
    Accept,
    Create,
    Decline,
    Invite,
    InviteEntry,
    Join,
    Leave,
    Members,
    MembersPage,
)

from ..ledger import routing_rooms
from ..peer import Peer
from ..rooms.roster import Roster
from ..services import Services
from .posting import draft, draft_without_entry


def create(services: Services, peer: Peer, frame: Create) -> None:
    """Make a room; an entry of it says so."""
    post = draft(services, peer, frame)
    most = services.settings.rooms_per_account
    routing_rooms.create(services.keyspace, post, peer.keys, frame, most)
    services.post(peer, post)


def join(services: Services, peer: Peer, frame: Join) -> None:
    """Come into a room, or ask to; an entry of the room tells it to everyone there."""
    post = draft(services, peer, frame)
    most = services.settings.rooms_per_account
    routing_rooms.join(services.keyspace, post, peer.keys, frame, most)
    services.post(peer, post)


def leave(services: Services, peer: Peer, frame: Leave) -> None:
    """Go out of a room."""
    post = draft(services, peer, frame)
    routing_rooms.leave(services.keyspace, post, peer.keys, frame)
    services.post(peer, post)


def invite(services: Services, peer: Peer, frame: Invite) -> None:
    """Invite somebody, or whoever knows a code."""
    refuse_abroad(services, frame.room, frame.id)
    if isinstance(frame.who, str) and frame.code is UNSET:
        post = draft(services, peer, frame)
        routing_rooms.invite(services.keyspace, post, peer.keys, frame, frame.who)
        post.mode = services.modes[InviteEntry]
    elif isinstance(frame.code, str) and frame.who is UNSET:
        post = draft_without_entry(services, peer, frame)
        routing_rooms.link(services.keyspace, post, peer.keys, frame, frame.code)
    else:
        raise FrameError(Code.MALFORMED, frame.id, reason="say who, or a code")
    services.post(peer, post)


def answer(services: Services, peer: Peer, frame: Accept | Decline) -> None:
    """Let somebody in who asks to come into `frame.room`, or not."""
    assert isinstance(frame.room, str)
    refuse_abroad(services, frame.room, frame.id)
    post = draft(services, peer, frame)
    most = services.settings.rooms_per_account
    routing_rooms.answer(services.keyspace, post, peer.keys, frame, frame.room, most)
    services.post(peer, post)


def members(services: Services, peer: Peer, frame: Members) -> None:
    """A page of the members of a room one is in."""
    if peer.party is None or frame.room not in peer.party.rooms:
        raise FrameError(Code.NOT_A_MEMBER, frame.id)
    list_members(services, peer, frame)


def list_members(services: Services, peer: Peer, frame: Members) -> None:
    """Answer with the page, if the peer is a member."""

    def take(roster: Roster | None) -> None:
        if peer.gone:
            return
        if roster is None:
            peer.refuse(Code.UNAVAILABLE, frame.id)
        elif peer.handle not in roster:
            peer.refuse(Code.NOT_A_MEMBER, frame.id)
        else:
            after = "" if frame.after is UNSET else frame.after
            page, more = roster.page(after, frame.limit, services.store_now())
            peer.send(MembersPage(frame.id, frame.room, page, more))

    services.rosters.ask(frame.room, take)


def refuse_abroad(services: Services, room: str, id: str) -> None:
    """A room is governed only from the region where it lives.

    Raises:
        FrameError: `forbidden`, if `room` lives in another one.
    """
    if room in services.keyspace.abroad:
        raise FrameError(Code.FORBIDDEN, id, reason="this room lives in another region")
