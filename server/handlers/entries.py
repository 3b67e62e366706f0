"""Frames that speak of an earlier entry: edit, delete, react, pin, forward."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from msgspec import UNSET

from protocol.errors import Code, FrameError
from protocol.frames import Delete, Edit, Forward, ForwardEntry, Pin, React, Ref

from ..ledger import routing, routing_entries
from ..ledger.posts import Mode, Post
from ..ledger.status import Status
from ..peer import Peer
from ..people.contacts import Finish
from ..reading import rules
from ..reading.sources import Source, find_source
from ..reading.subjects import Subject, find_subject
from ..rooms.pace import keep_pace
from ..seal.seal import Destroyed
from ..services import Services
from .aiming import aim, check_mentions, only_admins
from .posting import draft

_CONTROLS = frozenset(("Cc", "Cf", "Cs"))
_JOINERS = "\u200d"
"""Invisible, but a part of many emoji."""


def edit(services: Services, peer: Peer, frame: Edit) -> None:
    """Other words for a message of one's own."""
    post = draft(services, peer, frame)
    aim(services, peer, post, frame.to)
    if frame.mentions is not UNSET:
        check_mentions(services, post, frame.to, frame.mentions)
    now = services.store_now()
    _consult(services, peer, post, frame, lambda it: rules.edit(frame, it, peer.handle, now))


def delete(services: Services, peer: Peer, frame: Delete) -> None:
    """Words taken back; for oneself alone it is told to nobody else."""
    post = draft(services, peer, frame)
    if frame.only_me:
        routing.to_self(post, peer.keys)
    else:
        aim(services, peer, post, frame.to)
        if frame.ref.from_ != peer.handle:
            only_admins(services, post, frame.to)
        elif frame.to[0] == "#":
            post.mode = Mode.MARKER  # one's own words even who may not write there takes back
    _consult(services, peer, post, frame, lambda it: rules.delete(frame, it, peer.handle))


def react(services: Services, peer: Peer, frame: React) -> None:
    """A reaction, or none any more."""
    if not _is_emoji(frame.emoji):
        raise FrameError(Code.TEXT_INVALID, frame.id, field="emoji")
    post = draft(services, peer, frame)
    aim(services, peer, post, frame.to)
    _consult(services, peer, post, frame, rules.speak_of)


def pin(services: Services, peer: Peer, frame: Pin) -> None:
    """An entry pinned for everybody in the conversation, or not any more."""
    post = draft(services, peer, frame)
    aim(services, peer, post, frame.to)
    only_admins(services, post, frame.to)
    _consult(services, peer, post, frame, rules.speak_of)


def forward(services: Services, peer: Peer, frame: Forward) -> None:
    """Words copied from a box that one may read, and sent on."""

    def begin(finish: Finish) -> None:
        def found(source: Source | None) -> None:
            if source is None:
                peer.refuse(Code.UNAVAILABLE, frame.id)
                finish(None)
                return
            post = _forwarded(services, peer, frame, source)
            strangers = services.strangers
            if post is not None and strangers is not None and strangers.unknown(post):
                strangers.judge(peer, post, finish)
            else:
                finish(post)

        find_source(services, peer, frame, found)

    if frame.to[0] not in "@#":
        raise FrameError(Code.NAME_INVALID, frame.id)
    services.contacts.hold(peer, frame.id, begin)


def _forwarded(services: Services, peer: Peer, frame: Forward, source: Source) -> Post | None:
    """The post of a forward; None if it was refused."""
    ref = source.ref or Ref(peer.handle, frame.id)  # the latter is not stored
    entry = ForwardEntry(frame.id, peer.handle, frame.to, ref, source.text)
    try:
        post = draft(services, peer, frame, entry=entry)
    except FrameError as error:
        peer.refuse(error.code, error.id, **error.details)
        return None
    except Destroyed:  # this very moment
        peer.refuse(Code.UNKNOWN_ENTRY, frame.id)
        return None
    aim(services, peer, post, frame.to)
    room = services.hub.rooms.get(frame.to)
    if room is not None and room.slow_s:
        keep_pace(services, post, room)
    post.hint = post.hint or source.refused
    return post


def _consult(
    services: Services,
    peer: Peer,
    post: Post,
    frame: Edit | Delete | React | Pin,
    judge: Callable[[Subject], int],
) -> None:
    """Post it with what is known of its subject; a stranger to a room learns nothing of it."""
    routing_entries.note(services.keyspace, post, services.store_now())

    def begin(finish: Finish) -> None:
        def take(subject: Subject | None) -> None:
            if subject is None:
                peer.refuse(Code.UNAVAILABLE, frame.id)
                finish(None)
                return
            found = Status.NOT_A_MEMBER if subject.stranger else judge(subject)
            post.hint = post.hint or found
            finish(post)

        find_subject(services, peer, frame.to, frame.ref, take)

    services.contacts.hold(peer, frame.id, begin)


def _is_emoji(text: str) -> bool:
    """Whether `text` can be shown: nothing blank, no controls; what joins emoji may stand in it."""
    return not any(
        sign.isspace() or (unicodedata.category(sign) in _CONTROLS and not _joins(sign))
        for sign in text
    )


def _joins(sign: str) -> bool:
    return sign in _JOINERS or "\U000e0020" <= sign <= "\U000e007f"
