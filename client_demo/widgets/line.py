"""The line that people type on: what was entered leaves it in the same step, and Up recalls it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from textual.events import Key, Paste
from textual.message import Message
from textual.widgets import Input

from ..commands.completion import Completion

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

    def __init__(self, completer: Callable[[str], Completion], **kwargs: Any) -> None:
        super().__init__(select_on_focus=False, **kwargs)
        self._completer = completer
        self._cycle: tuple[str, int, tuple[str, ...]] | None = None
        """The line as Tab left it, where its last word begins, and what else that may be."""
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
            case "tab" if self.value:
                self._complete()
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

    def put(self, text: str) -> None:
        """Show a line to be gone on with, in place of what is here."""
        self._show(text)

    def put_back(self, text: str) -> None:
        """Show a line again that was not accepted, unless something else stands here by now."""
        if not self.value:
            self._show(text)

    def _complete(self) -> None:
        """Go on with the word before the cursor; where there is nothing to go on with, a blank:
        pasted text may hold a tab, and it is no wish to go elsewhere."""
        if self._cycle is not None and self._cycle[0] == self.value:
            _, start, words = self._cycle
            self._offer(start, (*words[1:], words[0]))
            return
        found = self._completer(self.value) if self._at_end else Completion()
        if not found.words:
            self.insert_text_at_cursor(" ")
        elif len(found.shared) > len(self.value) - found.start:
            self._show(self.value[: found.start] + found.shared)
        else:
            self._offer(found.start, found.words)

    def _offer(self, start: int, words: tuple[str, ...]) -> None:
        """Put the first of `words`; the next Tab puts the one behind it."""
        self._show(self.value[:start] + words[0])
        self._cycle = (self.value, start, words)

    @property
    def _at_end(self) -> bool:
        return self.cursor_position == len(self.value)

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
