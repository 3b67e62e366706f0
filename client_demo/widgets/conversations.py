"""The list of conversations, the most recent first, with what is unread in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.text import Text
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from ..conversation import Conversation
from ..model import Model

WIDTH = 22
_PRESENCE = {"online": ("●", "green"), "away": ("◐", "yellow")}


@dataclass(frozen=True, slots=True)
class Row:
    """What one row shows."""

    name: str
    unread: int
    called: bool
    presence: str
    state: str
    muted: bool
    pinned: bool


class Conversations(OptionList, can_focus=False):
    """One row per conversation; choosing one posts `OptionSelected` with its name as the id."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.names: list[str] = []
        """The names in the order shown."""
        self._drawn: list[Row] = []

    def show(self, model: Model, current: str | None) -> None:
        """Show the conversations of `model`; archived ones only while they are in view, or if they
        have news."""
        shown = [
            each
            for each in model.conversations.values()
            if not model.standing(each.name).archived
            or each.name == current
            or each.unread(model.me)
        ]
        ordered = sorted(shown, key=lambda each: _rank(each, model))
        rows = [_row(each, model) for each in ordered]
        self.names = [row.name for row in rows]
        if rows != self._drawn:
            self._drawn = rows
            self.set_options([Option(_label(row), id=row.name) for row in rows])
        self.highlighted = self.names.index(current) if current in self.names else None


def _rank(conversation: Conversation, model: Model) -> tuple[bool, bool, int, str]:
    """Pinned ones first, then what waits to be sent, then the newest; silent ones last, by name."""
    known = next((line.at for line in reversed(conversation.lines) if line.at is not None), 0)
    pinned = model.standing(conversation.name).pinned
    at = max(known, conversation.newest_at)
    return not pinned, not conversation.waiting, -at, conversation.name


def _row(conversation: Conversation, model: Model) -> Row:
    name, standing = conversation.name, model.standing(conversation.name)
    return Row(
        name,
        conversation.unread(model.me),
        conversation.is_called(model.me),
        model.people.presence.get(name, ""),
        standing.state,
        standing.muted,
        standing.pinned,
    )


def _label(row: Row) -> Text:
    sign, color = _PRESENCE.get(row.presence, (" ", ""))
    if row.state in ("request", "blocked"):
        sign, color = ("?", "bold yellow") if row.state == "request" else ("×", "red")
    count = f" {row.unread if row.unread < 100 else '99+'}" if row.unread else ""
    tail = " ▴" * row.pinned + " z" * row.muted + " @" * row.called + count
    loud = row.unread and not row.muted
    label = Text(row.name, style="bold" if loud else "", no_wrap=True, overflow="ellipsis")
    label.truncate(WIDTH - 6 - len(tail), overflow="ellipsis", pad=True)
    style = "bold green" if loud else "dim"
    return Text.assemble((f"{sign} ", color)) + label + Text(tail, style=style)
