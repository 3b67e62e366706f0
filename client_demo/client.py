"""A link and the model that it feeds: the whole client but for what people see of it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from . import events
from .backoff import Backoff
from .events import Event, Frame
from .housekeeping import Housekeeping
from .link import Link
from .model import Connection, Model

OWN_PAGE = 200
"""Entries of one's own box on the first page: all direct conversations share it."""
ROOM_PAGE = 50


class LinkError(Exception):
    """The link ended before an answer came."""


class RefusedError(Exception):
    """The hub refused a frame; `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Client:
    """One account at one hub, for the app, the plain mode, the demo and the tests alike.

    `me` is the account's name, such as `@alice`; `token` is of that account.
    """

    def __init__(
        self,
        url: str,
        me: str,
        token: str,
        context: ssl.SSLContext | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self.model = Model(me)
        self.link = Link(url, token, self.take, context, backoff)
        self._listeners: list[Callable[[Event], None]] = []
        self._changed = asyncio.Event()
        self._keeping = Housekeeping(self)

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Have `listener` called for each event, after the model took it into account."""
        self._listeners.append(listener)

    def take(self, event: Event) -> None:
        """What the link calls for each event."""
        self.model.apply(event)
        self._keeping.take(event)
        for listener in self._listeners:
            listener(event)
        self._changed.set()

    def post(self, frame: Frame) -> str:
        """Send a frame; returns its id."""
        return self.link.post(frame)

    def notice(self, frame: Frame) -> None:
        """Send something that nobody keeps and nobody answers."""
        self.link.notice(frame)

    async def ask(self, frame: Frame) -> Frame:
        """Send a frame and wait for its answer.

        Raises:
            RefusedError: if the hub refuses it.
            LinkError: if the link ends before.
        """
        answers: list[Frame] = []

        def hear(event: Event) -> None:
            match event:
                case events.Answered(question, answer) if question["id"] == id:
                    answers.append(answer)
                case events.Stored(mine, ack) if mine["id"] == id:
                    answers.append(ack)
                case events.Refused(mine, code, message) if mine["id"] == id:
                    answers.append({"type": "error", "code": code, "message": message})

        id = self.post(frame)
        self._listeners.append(hear)
        try:
            await self.answered(id)
        finally:
            self._listeners.remove(hear)
        if not answers:
            raise LinkError("the link ended before the answer came")
        if answers[0]["type"] == "error":
            raise RefusedError(answers[0]["code"], answers[0]["message"])
        return answers[0]

    def read_older(self, name: str, limit: int | None = None) -> bool:
        """Ask for the page before the oldest line of a conversation; false if there is none."""
        return self.read_box(self.model.box_of(name), limit)

    def read_box(self, box: str, limit: int | None = None) -> bool:
        """Ask for the newest page of a box that was not read yet, with `limit` entries or as many
        as usual; false if there is none."""
        shelf = self.model.shelves.get(box)
        if shelf is None or not shelf.more or self._is_reading(box):
            return False
        usual = ROOM_PAGE if box.startswith("#") else OWN_PAGE
        frame: Frame = {"type": "history", "box": box, "limit": limit or usual}
        if shelf.oldest is not None:
            frame["before"] = shelf.oldest
        self.post(frame)
        return True

    def mark_read(self, name: str) -> None:
        """Tell the hub that the conversation was looked at, if anything in it was unread."""
        line = self.model.conversation(name).last_unread(self.model.me)
        if line is not None:
            self.post({"type": "read", "to": name, "up_to": line.id})

    async def until(self, condition: Callable[[], object], seconds: float | None = 15.0) -> None:
        """Wait until `condition` holds; it is looked at after each event.

        Raises:
            TimeoutError: after `seconds`.
        """
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def answered(self, id: str) -> None:
        """Wait, as long as it takes, until the frame `id` has its final answer or the link ends."""
        while any(frame["id"] == id for frame in self.link.session.unanswered):
            if self.model.connection is Connection.STOPPED:
                return
            self._changed.clear()
            await self._changed.wait()

    def _is_reading(self, box: str) -> bool:
        return any(
            frame["type"] == "history" and frame["box"] == box
            for frame in self.link.session.unanswered
        )
