"""Search in one's own box and the rooms one is in."""

from __future__ import annotations

from msgspec import UNSET

from protocol.errors import Code, FrameError
from protocol.frames import Search

from ..peer import Peer
from ..search.messages import Question
from ..search.paging import parse_mark
from ..search.words import Query
from ..services import Services


def search(services: Services, peer: Peer, frame: Search) -> None:
    """Entries that hold all these words, newest first."""
    party = peer.party
    if party is None:
        raise FrameError(Code.FORBIDDEN, frame.id)
    words = "" if frame.words is UNSET else frame.words
    after = "" if frame.after is UNSET else frame.after
    if words.strip() and not Query.of(words):
        raise FrameError(Code.MALFORMED, frame.id, reason="words: there is no word in it")
    try:
        _ = after and parse_mark(after)
    except ValueError:
        raise FrameError(Code.MALFORMED, frame.id, reason="after: not from a page found") from None
    boxes, other = _places(peer.handle, party.rooms, frame)
    question = Question(
        0,
        peer.handle,
        boxes,
        services.store_now(),
        words,
        _sender(frame),
        other,
        0 if frame.since is UNSET else frame.since,
        None if frame.until is UNSET else frame.until,
        frame.money is True,
        after,
        frame.limit,
    )
    services.search.ask(peer, frame.id, question)


def _places(own: str, rooms: set[str], frame: Search) -> tuple[list[str], str]:
    """The boxes to search; and with whom, if it is about one conversation of one's own box."""
    box = frame.box
    if box is UNSET:
        return [own, *rooms], ""
    if box[0] == "@":
        return [own], "" if box == own else box
    if box[0] != "#":
        raise FrameError(Code.NAME_INVALID, frame.id)
    if box not in rooms:
        raise FrameError(Code.NOT_A_MEMBER, frame.id)
    return [box], ""


def _sender(frame: Search) -> str:
    if frame.who is UNSET:
        return ""
    if frame.who[0] not in "@$":
        raise FrameError(Code.NAME_INVALID, frame.id)
    return frame.who
