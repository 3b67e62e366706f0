"""Looks for lines that are not loaded yet: page by page, older and older.

All direct conversations share one box, so that a page may hold nothing of the one in view; and a
line that a search found may be many pages back.
"""

from __future__ import annotations

from dataclasses import dataclass

from .client import Client
from .conversation import Line

PAGES_MAX = 50
"""Pages that are read to come to one line."""
PAGE = 200


@dataclass(slots=True)
class _Wanted:
    name: str
    seq: int
    pages: int = 0


class Looking:
    """Reads older pages of the conversation in view until they hold what is wanted."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._older: tuple[str, int] | None = None
        self._wanted: _Wanted | None = None

    def older(self, name: str) -> None:
        """Something older than what is here is wanted."""
        self._older = name, self._lines(name)
        self._client.read_older(name)

    def line(self, name: str, seq: int) -> None:
        """Line `seq` is wanted."""
        self._wanted = _Wanted(name, seq)

    def page_came(self, current: str | None) -> None:
        """A page is here; go on if it held nothing of the conversation in view."""
        if self._older is None:
            return
        name, lines = self._older
        found = self._lines(name) != lines
        if found or name != current or not self._client.read_older(name):
            self._older = None

    def found(self, current: str | None) -> Line | None:
        """The line that is wanted, once, as soon as it is here.

        Raises:
            LookupError: if it is not there, or too far back; nothing is wanted any more.
        """
        wanted = self._wanted
        if wanted is None:
            return None
        if wanted.name != current:
            self._wanted = None
            return None
        lines = self._client.model.conversation(wanted.name).lines
        line = next((each for each in lines if each.seq == wanted.seq), None)
        if line is not None:
            self._wanted = None
        elif self._is_behind(wanted):
            self._wanted = None
            raise LookupError(f"^{wanted.seq} is not to be seen here; try /history")
        return line

    def _is_behind(self, wanted: _Wanted) -> bool:
        """Whether there is no use in reading on; else the next page is asked for."""
        model = self._client.model
        shelf = model.shelves[model.box_of(wanted.name)]
        if shelf.oldest is not None and (shelf.oldest <= wanted.seq or not shelf.more):
            return True
        if self._client.read_older(wanted.name, PAGE):
            wanted.pages += 1
        return wanted.pages > PAGES_MAX

    def _lines(self, name: str) -> int:
        conversation = self._client.model.conversations.get(name)
        return len(conversation.lines) if conversation else -1
