"""What a client does by itself: it asks for the list of conversations, watches who is there, and
says what arrived."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from . import events
from .events import Event, Frame

if TYPE_CHECKING:
    from .model import Model

ARRIVED_AFTER_S = 1.0
"""How long a client waits before it says what arrived, so that one mark covers a burst."""
WATCHED_MAX = 500
_NEWS = ("message", "forward", "payment")
_DECISIONS = ("accept", "decline", "block", "unblock")
_SIGNS = ("settled", "returned", "read", "delivered", "react", "pin")
"""What else of somebody may be the first sign that they accepted us."""


def _decides(frame: Frame) -> bool:
    """Whether it is about a person, and not about who comes into a room."""
    return frame["type"] in _DECISIONS and "room" not in frame


class Poster(Protocol):
    """What housekeeping needs of a client."""

    model: Model

    def post(self, frame: Frame) -> str:
        """Send a frame; returns its id."""

    def read_box(self, box: str) -> bool:
        """Ask for the newest page of a box."""


class Housekeeping:
    """Follows the events of one client, and posts what is due."""

    def __init__(self, client: Poster) -> None:
        self._client = client
        self._listing = False
        self._list_again = False
        self._watched: list[str] | None = None
        self._arrived: dict[str, str] = {}
        self._due: asyncio.TimerHandle | None = None

    def take(self, event: Event) -> None:
        """Note an event, after the model did."""
        match event:
            case events.Connected():
                self._watched = None
                self._list()
            case events.EntryCame(entry, late=False) if _decides(entry):
                self._list()
            case events.EntryCame(entry, late=False) if entry["type"] in _SIGNS:
                self._look_at(self._other(entry))
            case events.EntryCame(entry, late=False) if entry["type"] in _NEWS:
                self._news(entry)
            case events.Stored() if (room := events.room_entered(event)) is not None:
                self._client.read_box(room)
            case events.Stored(frame, _) if _decides(frame):
                self._list()
            case events.Stored(frame, _) if frame["type"] in _NEWS:
                self._look_at(frame.get("to", ""))
            case events.Answered(question, answer) if answer["type"] == "conversations":
                self._page(question, answer)
            case events.Refused(frame) if frame["type"] == "conversations":
                self._listing = False

    def _news(self, entry: Frame) -> None:
        me = self._client.model.me
        if entry["box"] != me or entry["from"] == me:
            return
        self._look_at(entry["from"])
        self._arrived[entry["from"]] = entry["id"]
        if self._due is None:
            loop = asyncio.get_running_loop()
            self._due = loop.call_later(ARRIVED_AFTER_S, self._tell_arrived)

    def _other(self, entry: Frame) -> str:
        """With whom an entry of our own box has to do."""
        me = self._client.model.me
        if entry["box"] != me:
            return ""
        return str(entry.get("to", "") if entry["from"] == me else entry["from"])

    def _look_at(self, name: str) -> None:
        """Ask for the list when somebody is new, or what waits may have changed."""
        if name[:1] == "@" and self._client.model.standing(name).state != "accepted":
            self._list()

    def _list(self) -> None:
        """One question at a time; what happened after it was asked asks again."""
        self._list_again = self._listing
        if not self._listing:
            self._listing = True
            self._client.post({"type": "conversations", "limit": 200})

    def _page(self, question: Frame, answer: Frame) -> None:
        if question.get("limit") != 200:
            return  # somebody asked to see a page
        if answer["more"] and answer["conversations"]:
            after = answer["conversations"][-1]["who"]
            self._client.post({"type": "conversations", "limit": 200, "after": after})
            return
        self._listing = False
        if self._list_again:
            self._list()
        self._watch()

    def _watch(self) -> None:
        """Watch those who accepted us and whom we accepted."""
        standings = self._client.model.standings
        names = sorted(name for name, each in standings.items() if each.state == "accepted")
        names = names[:WATCHED_MAX]
        if names != self._watched:
            self._watched = names
            self._client.post({"type": "watch", "who": names})

    def _tell_arrived(self) -> None:
        """Say what arrived, unless it was read meanwhile."""
        self._due = None
        model, arrived = self._client.model, self._arrived
        self._arrived = {}
        for name, id in arrived.items():
            known = model.conversations.get(name)
            accepted = model.standing(name).state == "accepted"
            if known is not None and known.unread(model.me) and accepted:
                self._client.post({"type": "delivered", "to": name, "up_to": id})
