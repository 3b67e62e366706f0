"""What frames that speak to a conversation have in common: where they go, and who may."""

from __future__ import annotations

import re

from protocol.errors import Code, FrameError
from protocol.frames import HANDLE_PATTERN

from ..ledger import routing
from ..ledger.posts import Post
from ..ledger.room_rights import leads
from ..ledger.status import Status
from ..peer import Peer
from ..services import Services
from .contact import towards
from .posting import only_for_members

EVERYBODY = "@all"
_PERSON = re.compile(rf"@{HANDLE_PATTERN}")


def aim(services: Services, peer: Peer, post: Post, to: str) -> None:
    """Aim `post` at the boxes of the conversation with `to`.

    Raises:
        FrameError: `name_invalid`.
    """
    if to[0] == "@":
        routing.to_person(services.keyspace, post, peer.keys, to)
        towards(services, post)
    elif to[0] == "#":
        routing.to_room(services.keyspace, post, peer.keys, to)
        only_for_members(services, peer, post, to)
    else:
        raise FrameError(Code.NAME_INVALID, post.id)


def only_admins(services: Services, post: Post, to: str) -> None:
    """In a room only owners and admins may; in a direct conversation both."""
    if to[0] != "#":
        return
    room = services.keyspace.party(to)
    if room.partition < 0:  # of another region, where nobody asks for it
        post.hint = post.hint or Status.FORBIDDEN
    else:
        post.conditions = (*post.conditions, leads(room, post.who))


def check_mentions(services: Services, post: Post, to: str, mentions: list[str]) -> None:
    """Words may call anybody; everybody in a room (`@all`) only if an admin says them.

    Raises:
        FrameError: `name_invalid`.
    """
    if not all(_PERSON.fullmatch(name) for name in mentions):
        raise FrameError(Code.NAME_INVALID, post.id, field="mentions")
    if EVERYBODY in mentions:
        if to[0] == "#":
            only_admins(services, post, to)
        else:
            post.hint = post.hint or Status.FORBIDDEN
