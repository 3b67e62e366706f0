"""Strangers and contacts: accepted, declined, blocked, unblocked; and how one arranges it all."""

from __future__ import annotations

from msgspec import UNSET

from protocol.errors import Code, FrameError
from protocol.frames import Accept, Arrange, Block, Decline, Read, Unblock

from ..ledger import pairs
from ..ledger.conditions import Change, Condition, Op, Test
from ..ledger.keys import AccountKeys
from ..ledger.posts import Mode, Post
from ..ledger.routing import to_self
from ..ledger.status import Status
from ..peer import Peer
from ..reading.conversations import FLAGS, READ
from ..services import Services
from . import rooms
from .posting import draft


def towards(services: Services, post: Post) -> None:
    """`post` is for a person: the store looks at what both think of each other, as it should for
    such an entry."""
    assert post.entry is not None
    post.mode = services.modes[type(post.entry)]


def has_met(own: AccountKeys, who: str) -> Condition:
    """There is a conversation with `who`: nobody fills their contacts with what is nobody's."""
    return Condition(own.contacts, Test.IS, who, "", Status.UNKNOWN_ACCOUNT)


def read_marker(own: AccountKeys, frame: Read) -> tuple[Change, ...]:
    """What a read marker keeps in one's own contacts, besides its entry: unread entries are counted
    from there."""
    return (Change(own.contacts, Op.PUT, f"{READ}:{frame.to}", frame.up_to),)


def accept(services: Services, peer: Peer, frame: Accept) -> None:
    """A stranger, with what they sent; or somebody who asked to come into a room."""
    if frame.room is not UNSET:
        rooms.answer(services, peer, frame)
    else:
        _decide(services, peer, frame, Mode.ACCEPT)


def decline(services: Services, peer: Peer, frame: Decline) -> None:
    """The opposite; a stranger's money goes back."""
    if frame.room is not UNSET:
        rooms.answer(services, peer, frame)
    else:
        _decide(services, peer, frame, Mode.DECLINE)


def block(services: Services, peer: Peer, frame: Block) -> None:
    """No words and no money between the two, whoever sends."""
    _decide(services, peer, frame, Mode.BLOCK)


def unblock(services: Services, peer: Peer, frame: Unblock) -> None:
    """The end of that."""
    _decide(services, peer, frame, Mode.UNBLOCK)


def arrange(services: Services, peer: Peer, frame: Arrange) -> None:
    """Mute, pin, archive a conversation, for oneself alone."""
    if frame.who[0] not in "@#":
        raise FrameError(Code.NAME_INVALID, frame.id)
    post = draft(services, peer, frame)
    to_self(post, peer.keys)
    contacts, changes = peer.keys.contacts, []
    if frame.who[0] == "@" and frame.who != peer.handle:
        post.conditions = (has_met(peer.keys, frame.who),)
    elif frame.who[0] == "#" and (peer.party is None or frame.who not in peer.party.rooms):
        post.hint = Status.NOT_A_MEMBER
    for field, letter in FLAGS.items():
        wanted = getattr(frame, field)
        if wanted is not UNSET:
            op = Op.PUT if wanted else Op.DROP
            changes.append(Change(contacts, op, f"{letter}:{frame.who}"))
    post.changes = tuple(changes)
    services.post(peer, post)


def _decide(
    services: Services, peer: Peer, frame: Accept | Decline | Block | Unblock, mode: Mode
) -> None:
    if frame.who == peer.handle:
        raise FrameError(Code.FORBIDDEN, frame.id)
    post = draft(services, peer, frame)
    pairs.decision(services.keyspace, post, peer.keys, frame.who, mode)
    services.post(peer, post)
