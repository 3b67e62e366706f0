"""What owners and admins do in their rooms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from protocol.errors import Code, FrameError
from protocol.frames import Ban, ClientFrame, Kick, Mute, Role, Topic

from ..ledger import routing_rooms
from ..peer import Peer
from ..services import Services
from .posting import draft
from .rooms import refuse_abroad

_AIM: dict[type[ClientFrame], Callable[..., None]] = {
    Kick: routing_rooms.kick,
    Ban: routing_rooms.ban,
    Mute: routing_rooms.mute,
    Role: routing_rooms.role,
    Topic: routing_rooms.topic,
}
_ABLE_ABROAD = ("member", "reader")
"""Roles that somebody of another region may have: nobody there could use the others."""


def command(services: Services, peer: Peer, frame: Kick | Ban | Mute | Role | Topic) -> None:
    """An entry of the room, by which it is changed."""
    refuse_abroad(services, frame.room, frame.id)
    _check(services, frame)
    post = draft(services, peer, frame)
    _AIM[type(frame)](services.keyspace, post, peer.keys, frame)
    services.post(peer, post)


def _check(services: Services, frame: Any) -> None:
    if isinstance(frame, Role) and frame.role not in _ABLE_ABROAD:
        if frame.who in services.keyspace.abroad:
            reason = "who lives in another region can only be a member or a reader"
            raise FrameError(Code.FORBIDDEN, frame.id, reason=reason)
    elif isinstance(frame, Topic):
        said = (frame.topic, frame.title, frame.access, frame.slow_s)
        if all(one is UNSET for one in said):
            raise FrameError(Code.MALFORMED, frame.id, reason="say what is to be changed")
