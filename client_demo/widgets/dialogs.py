"""Dialogs: the question before money moves, and a page of text."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import Key
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from .. import safe
from ..commands import Pay
from ..wallet import Wallet, show_grouped


class ConfirmPayment(ModalScreen[bool]):
    """Says exactly who gets what. The safe answer has the focus, so that a second Enter, typed
    by mistake, moves no money."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Pay"),
        Binding("n,escape", "answer(False)", "Cancel"),
        Binding("left,right", "app.focus_next", show=False),
    ]

    def __init__(self, pay: Pay, wallet: Wallet) -> None:
        super().__init__()
        self._pay = pay
        self._wallet = wallet
        self._shown_at: float | None = None

    def is_answer(self, key: Key) -> bool:
        """Whether the question was in view when `key` was typed. What was typed ahead is none:
        the y of the next `/pay` must not confirm this one."""
        return self._shown_at is not None and key.time >= self._shown_at

    def compose(self) -> ComposeResult:
        """The question, and two buttons."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Payment"
            yield Static(self._question(), id="question")
            with Horizontal(classes="buttons"):
                yield Button("Pay (y)", id="pay", variant="success")
                yield Button("Cancel (n)", id="cancel", variant="default")

    def on_mount(self) -> None:
        """Focus the safe answer."""
        self.query_one("#cancel", Button).focus()
        self.call_after_refresh(self._shown)

    def _shown(self) -> None:
        self._shown_at = Message().time  # by the clock that stamps the keys

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """A button was chosen."""
        self.dismiss(event.button.id == "pay")

    def action_answer(self, pay: bool) -> None:
        """A key was chosen."""
        self.dismiss(pay)

    def _question(self) -> Text:
        pay = self._pay
        text = Text("Pay ") + Text(show_grouped(pay.amount, pay.currency), style="bold green")
        text += Text(" to ") + Text(pay.to, style="bold") + Text(" ?\n")
        if pay.text:
            text += Text(f"\nFor: {safe.one_line(pay.text)}")
        if pay.room:
            text += Text(f"\nEveryone in {pay.room} will see it.")
        have = self._wallet.available(pay.currency)
        text += Text(f"\nYou have {show_grouped(have, pay.currency)}.", style="dim")
        return text


class Info(ModalScreen[None]):
    """A page of text; any of the usual keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,q,space", "close", "Close")]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        """The text, which scrolls if it is long."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = safe.one_line(self._title)
            dialog.border_subtitle = "Esc closes"
            yield Static(self._text, markup=False)

    def on_click(self) -> None:
        """A click closes too."""
        self.dismiss()

    def action_close(self) -> None:
        """Close the page."""
        self.dismiss()
