"""A page that was asked for: members, hits of a search, devices, a thread. It grows by pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from .. import safe
from ..listing import Item


class Reader(ModalScreen[Item | None]):
    """A list; its result is the item that was chosen, if any."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "Close"),
        Binding("m", "more", "More"),
    ]

    def __init__(
        self, title: str, items: Sequence[Item], more: bool, ask_more: Callable[[], None]
    ) -> None:
        super().__init__()
        self._title = title
        self._items = list(items)
        self._more = more
        self._ask_more = ask_more

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(classes="dialog page") as page:
            page.border_title = safe.one_line(self._title)
            yield OptionList(id="items")

    def on_mount(self) -> None:
        """Show what is there."""
        self._show()
        self.query_one(OptionList).focus()

    def extend(self, items: Sequence[Item], more: bool) -> None:
        """The next page came."""
        self._items += items
        self._more = more
        self._show()

    def _show(self) -> None:
        options = self.query_one(OptionList)
        place = options.highlighted
        none = "nothing on this page; M looks further" if self._more else "nothing"
        options.set_options([Option(item.text) for item in self._items or [Item(Text(none))]])
        options.highlighted = 0 if place is None else place
        closing = "Esc closes"
        page = self.query_one(".page", Vertical)
        page.border_subtitle = f"M shows more   {closing}" if self._more else closing

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """An item was chosen."""
        event.stop()
        if event.option_index < len(self._items):
            self.dismiss(self._items[event.option_index])

    def action_more(self) -> None:
        """Ask for the next page."""
        if self._more:
            self._more = False
            self._ask_more()

    def action_close(self) -> None:
        """Close the page."""
        self.dismiss(None)
