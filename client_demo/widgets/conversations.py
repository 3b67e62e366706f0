"""The list of conversations, the most recent first, with what is unread in each."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from ..conversation import Conversation
from ..model import Model

WIDTH = 20


class Conversations(OptionList, can_focus=False):
    """One row per conversation; choosing one posts `OptionSelected` with its name as the id."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.names: list[str] = []
        """The names in the order shown."""
        self._drawn: list[tuple[str, int]] = []

    def show(self, model: Model, current: str | None) -> None:
        """Show the conversations of `model`."""
        ordered = sorted(model.conversations.values(), key=_recency)
        rows = [(each.name, each.unread(model.me)) for each in ordered]
        self.names = [name for name, _ in rows]
        if rows != self._drawn:
            self._drawn = rows
            self.set_options([Option(_label(*row), id=row[0]) for row in rows])
        self.highlighted = self.names.index(current) if current in self.names else None


def _recency(conversation: Conversation) -> tuple[bool, int, str]:
    """What waits to be sent comes first, then the newest; silent ones last, by name."""
    at = next((line.at for line in reversed(conversation.lines) if line.at is not None), 0)
    return not conversation.waiting, -at, conversation.name


def _label(name: str, unread: int) -> Text:
    room = WIDTH - 4
    count = f" {unread if unread < 100 else '99+'}" if unread else ""
    label = Text(name, style="bold" if unread else "", no_wrap=True, overflow="ellipsis")
    label.truncate(room - len(count), overflow="ellipsis", pad=True)
    return label + Text(count, style="bold green")
