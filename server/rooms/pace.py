"""Slow rooms: a member may write once in so many seconds.

The hub knows the pace of the rooms it serves, and asks the store to keep it only where there is
one. So a post in any other room costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ledger.posts import Post
from ..ledger.room_rights import may_write_now, wrote_now
from ..store.connection import Down
from ..telling.hub import PACE_UNKNOWN, Room

if TYPE_CHECKING:
    from ..services import Services

_ASKED = -2


def learn_pace(services: Services, room: Room) -> None:
    """Read the pace of a room that is served here from now on; its `topic` entries change it."""
    keys = services.keyspace.of(room.name)

    def take(replies: list[object]) -> None:
        found = replies[0]
        if room.slow_s != _ASKED:  # an entry told it meanwhile
            return
        if isinstance(found, bytes) and found.isdigit():
            room.slow_s = int(found)
        else:
            room.slow_s = 0 if found is None else PACE_UNKNOWN

    room.slow_s = _ASKED
    try:
        command = ("HGET", keys.profile, "slow_s")
        services.pipeline_of(keys.partition).read_ahead([command], take)
    except Down:
        room.slow_s = PACE_UNKNOWN


def keep_pace(services: Services, post: Post, room: Room) -> None:
    """Let the store refuse `post`, words for a slow `room`, if its author wrote a moment ago.

    While the pace is not known, only what is known in the store of the author counts. Rooms of
    other regions are not asked.
    """
    if post.members is None:
        return
    if room.slow_s == PACE_UNKNOWN:
        learn_pace(services, room)
    keys, who = post.members, post.who
    post.conditions += may_write_now(keys, who)
    if room.slow_s > 0:
        post.changes += wrote_now(keys, who, room.slow_s)
