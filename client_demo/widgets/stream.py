"""Messages and payments in one stream, drawn from the lines of a conversation."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

from rich.style import Style
from rich.text import Text
from textual.events import Click, MouseScrollUp, Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from .. import render
from ..conversation import Conversation, Line
from ..lines import Key

_TIME = 7
"""Columns for the time, with its gap."""
_WINDOW = 500
"""Lines that are drawn at first, and more at a time when someone scrolls up through them."""
_MARK = 3
"""Columns for the delivery mark."""


_CHOSEN = Style(bgcolor="grey27")


def _unknown(_: Key) -> None:
    return None


class Stream(ScrollView, can_focus=False):
    """A scrolling view that keeps its place when older lines are put in front.

    A line is wrapped once and kept, so that a new line in a long conversation costs little.
    """

    class TopReached(Message):
        """The oldest line is in view."""

    class EndReached(Message):
        """The newest line is in view."""

    class LineClicked(Message):
        """A line was clicked."""

        def __init__(self, key: Key) -> None:
            super().__init__()
            self.key = key

    def __init__(self, zone: tzinfo | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._zone = zone
        self._me = ""
        self._hint = ""
        self.at_end = True
        """Whether the newest line is, or is to be kept, in view."""
        self.selected: Key | None = None
        """The line that is chosen, if one is."""
        self._conversation: Conversation | None = None
        self._window = _WINDOW
        self._count = 0
        self._rows: list[Strip] = []
        self._owners: list[Key | None] = []
        self._wrapped: dict[Key, tuple[object, list[Strip]]] = {}

    def show(self, conversation: Conversation | None, me: str, hint: str = "") -> None:
        """Show `conversation` as it is now, and `hint` below it. Another one than before is shown
        from its end."""
        other = conversation is not self._conversation
        self.at_end = self.at_end or other
        count = len(conversation.lines) if conversation else 0
        # Who reads further up keeps what is drawn there, however many lines come below.
        self._window = _WINDOW if self.at_end else self._window + count - self._count
        self._count = count
        top = None if self.at_end else self._owner_in_view()
        if other:
            self._wrapped.clear()
            self.selected = None
        self._conversation, self._me, self._hint = conversation, me, hint
        self._build()
        if self.at_end:
            self._go(self.max_scroll_y)
        elif top is not None and top in self._owners:
            self._go(self._owners.index(top))

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        row = self.scroll_offset.y + y
        strip = self._rows[row] if row < len(self._rows) else Strip.blank(self._columns)
        strip = strip.crop_extend(0, self._columns, None).apply_style(self.rich_style)
        chosen = self.selected and row < len(self._owners) and self._owners[row] == self.selected
        return strip.apply_style(_CHOSEN) if chosen else strip

    def select(self, key: Key | None) -> None:
        """Choose a line, or none, and bring it into view."""
        self.selected = key
        if key is not None and key in self._owners:
            row = self._owners.index(key)
            below = len(self._owners) - self._owners[::-1].index(key)
            top, height = round(self.scroll_y), self.scrollable_content_region.height
            if row < top or below > top + height:
                self._go(max(min(row, below - 1), below - height, 0) if row >= top else row)
        self.refresh()

    def reveal(self, key: Key) -> None:
        """Choose a line, however far up, and bring it into view."""
        lines = self._conversation.lines if self._conversation else []
        place = next((number for number, line in enumerate(lines) if line.key == key), len(lines))
        if place < len(lines) - self._window:
            self._window = len(lines) - place + _WINDOW
            self._build()
        self.select(key)
        self.at_end = self.max_scroll_y - self.scroll_y < 1

    def step(self, step: int) -> Key | None:
        """Choose the line above (-1) or below (1) the one that is chosen; below the last is none.
        Returns it."""
        keys = [line.key for line in self._lines if line.seq is not None]
        if self.selected in keys:
            place = keys.index(self.selected) + step
        else:
            place = len(keys) - 1 if step < 0 else len(keys)
        self.select(keys[max(place, 0)] if place < len(keys) else None)
        return self.selected

    def on_click(self, event: Click) -> None:
        """Choose the line that was clicked."""
        place = event.get_content_offset(self)
        row = round(self.scroll_y) + place.y if place else len(self._owners)
        key = self._owners[row] if row < len(self._owners) else None
        if key is not None:
            self.post_message(self.LineClicked(key))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell when the top or the end comes into view."""
        super().watch_scroll_y(old_value, new_value)
        self.at_end = self.max_scroll_y - new_value < 1
        if self.at_end:
            self.post_message(self.EndReached())
        if new_value <= 0 < old_value:
            self.reach_up()

    def reach_up(self) -> None:
        """Show older lines that are here already, or else tell that more are wanted."""
        lines = self._conversation.lines if self._conversation else []
        if len(lines) > self._window:
            self._window += _WINDOW
            self.show(self._conversation, self._me, self._hint)
        else:
            self.post_message(self.TopReached())

    def on_mouse_scroll_up(self, _: MouseScrollUp) -> None:
        """The wheel asks for more, although there is nothing to scroll."""
        if self.scroll_y <= 0:
            self.reach_up()

    def on_resize(self, _: Resize) -> None:
        """Wrap anew."""
        self.show(self._conversation, self._me, self._hint)
        if self.at_end:
            self.post_message(self.EndReached())

    @property
    def _lines(self) -> list[Line]:
        return self._conversation.lines[-self._window :] if self._conversation else []

    @property
    def _columns(self) -> int:
        return self.scrollable_content_region.width

    def _go(self, row: int) -> None:
        """Forced, because the scrollbar, which is asked otherwise, comes only with the layout."""
        self.scroll_to(y=row, animate=False, force=True)

    def _owner_in_view(self) -> Key | None:
        return next((owner for owner in self._owners[round(self.scroll_y) :] if owner), None)

    def _build(self) -> None:
        self._rows, self._owners = [], []
        if not self._columns:
            return
        shown = None
        for line in self._lines:
            day = render.day(line, self._zone)
            if day and day != shown:
                shown = day
                self._put([self._strip(Text(day, style="dim", justify="center"))], None)
            self._put(self._wrap(line), line.key)
        self._put_hint()
        self.virtual_size = Size(self._columns, len(self._rows))
        self.refresh()

    def _put_hint(self) -> None:
        if self._hint:
            text = Text(f"\n{self._hint}", style="italic", justify="center")
            rows = text.wrap(self.app.console, self._columns)
            self._put([self._strip(row) for row in rows], None)

    def _put(self, strips: list[Strip], owner: Key | None) -> None:
        self._rows += strips
        self._owners += [owner] * len(strips)

    def _wrap(self, line: Line) -> list[Strip]:
        words = (line.reason, line.returned, line.unshown, self._above(line).plain)
        state = (line.fate, words, line.at, line.view, self._columns)
        kept = self._wrapped.get(line.key)
        if kept is None or kept[0] != state:
            kept = self._wrapped[line.key] = (state, self._strips(line))
        return kept[1]

    def _strips(self, line: Line) -> list[Strip]:
        width = max(self._columns - _TIME - _MARK, 10)
        above = self._above(line)
        above.truncate(width, overflow="ellipsis")
        rows = [above] if above else []
        for text in (
            render.body(line, self._me),
            render.below(line, self._zone),
            render.note(line, self._me, self._zone),
        ):
            rows += list(text.wrap(self.app.console, width)) if text else []
        strips = []
        for number, row in enumerate(rows):
            time = render.clock(line, self._zone) if number == 0 else ""
            head = Text.assemble((time.ljust(_TIME), "dim"))
            row.rstrip()
            row.pad_right(max(width - row.cell_len, 0))
            tail = render.mark(line, self._me) if number == 0 else Text()
            tail.align("right", _MARK)
            strips.append(self._strip(head + row + tail))
        return strips

    def _above(self, line: Line) -> Text:
        find = self._conversation.find if self._conversation else _unknown
        return render.above(line, find)

    def _strip(self, text: Text) -> Strip:
        if text.justify == "center":
            text.align("center", max(self._columns, 1))
        text.end = ""
        return Strip(text.render(self.app.console))
