"""The line that people type on: what was entered leaves it in the same step, and Up recalls it."""

from __future__ import annotations

import re
from typing import Any

from textual.events import Key, Paste
from textual.message import Message
from textual.widgets import Input

_KEPT = 100
"""Lines that Up and Down go through."""
_BREAKS = re.compile(r"[\t\r\n\v\f\x85\u2028\u2029]+")


class LineInput(Input):
    """An input whose keys take effect in the order typed, however fast they come.

    `Input` leaves Enter to a binding, which runs after keys that were typed later; here Enter
    takes the line as soon as its turn comes, so that no line is joined, doubled or lost.
    """

    class Switched(Message):
        """Another conversation is wanted: the next one (1), or the one before (-1)."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(select_on_focus=False, **kwargs)
        self._kept: list[str] = []
        self._place = 0
        """Which kept line is shown; their number if it is none of them."""
        self._draft = ""

    def on_key(self, event: Key) -> None:
        """Handle the keys whose order matters; the rest is left to `Input`."""
        match event.key:
            case "enter":
                self._enter()
            case "up" | "down":
                self._recall(-1 if event.key == "up" else 1)
            case "tab" if self.value:  # pasted text may hold one: it is no wish to go elsewhere
                self.insert_text_at_cursor(" ")
            case "tab" | "shift+tab":
                self.post_message(self.Switched(1 if event.key == "tab" else -1))
            case _:
                return
        event.stop()
        event.prevent_default()

    def on_paste(self, event: Paste) -> None:
        """Paste everything, with a space for each line break."""
        self.replace(_BREAKS.sub(" ", event.text.rstrip("\r\n")), *self.selection)
        event.stop()
        event.prevent_default()

    def take(self, event: Key) -> None:
        """Take a key that was typed on this line and came to a dialog."""
        if event.key == "enter":
            self._enter()
        elif event.character is not None:
            self.insert_text_at_cursor(event.character)

    def put_back(self, text: str) -> None:
        """Show a line again that was not accepted, unless something else stands here by now."""
        if not self.value:
            self._show(text)

    def _enter(self) -> None:
        text, self.value = self.value, ""
        if text.strip() and self._kept[-1:] != [text]:
            self._kept = [*self._kept, text][-_KEPT:]
        self._place = len(self._kept)
        self.post_message(self.Submitted(self, text))

    def _recall(self, step: int) -> None:
        place = min(max(self._place + step, 0), len(self._kept))
        if place == self._place:
            return
        if self._place == len(self._kept):
            self._draft = self.value
        self._place = place
        self._show([*self._kept, self._draft][place])

    def _show(self, text: str) -> None:
        self.value = text
        self.cursor_position = len(text)
