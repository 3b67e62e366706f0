"""Dialogs: a question before something that cannot be taken back, and a password."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import Key
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from .. import safe
from ..events import Frame
from ..model import Model
from ..wallet import show_grouped


class Question(ModalScreen[bool]):
    """Yes or no. The safe answer has the focus, so that a second Enter, typed by mistake, does
    nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n,escape", "answer(False)", "No"),
        Binding("left,right", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, text: Text, yes: str) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._yes = yes
        self._shown_at: float | None = None

    def is_answer(self, key: Key) -> bool:
        """Whether the question was in view when `key` was typed. What was typed ahead is none:
        the y of the next `/pay` must not confirm this one."""
        return self._shown_at is not None and key.time >= self._shown_at

    def compose(self) -> ComposeResult:
        """The question, and two buttons."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            yield Static(self._text, id="question")
            with Horizontal(classes="buttons"):
                yield Button(f"{self._yes} (y)", id="yes", variant="success")
                yield Button("Cancel (n)", id="cancel", variant="default")

    def on_mount(self) -> None:
        """Focus the safe answer."""
        self.query_one("#cancel", Button).focus()
        self.call_after_refresh(self._shown)

    def _shown(self) -> None:
        self._shown_at = Message().time  # by the clock that stamps the keys

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """A button was chosen."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        """A key was chosen."""
        self.dismiss(yes)


class ConfirmPayment(Question):
    """Says exactly who gets what, and whether it is somebody new."""

    def __init__(self, payment: Frame, model: Model) -> None:
        super().__init__("Payment", _bill(payment, model), "Pay")


def _bill(payment: Frame, model: Model) -> Text:
    amount, currency, payee = payment["amount"], payment["currency"], payment["to"]
    text = Text("Pay ") + Text(show_grouped(amount, currency), style="bold green")
    text += Text(" to ") + Text(payee, style="bold")
    called = model.people.profiles.get(payee, {}).get("name")
    text += Text(f" ({safe.one_line(called)}) ?\n" if called else " ?\n")
    if model.standing(payee).state in ("", "sent"):
        new = f"\n{payee} has not talked with you yet: look at the name once more."
        if payee in model.people.unknown:
            new = f"\nThis hub knows no {payee}: look at the name once more."
        text += Text(new, style="yellow")
    if "text" in payment:
        text += Text(f"\nFor: {safe.one_line(payment['text'])}")
    if "room" in payment:
        text += Text(f"\nEveryone in {payment['room']} will see it.")
    have = model.wallet.available(currency)
    text += Text(f"\nYou have {show_grouped(have, currency)}.", style="dim")
    return text


class Secret(ModalScreen[str]):
    """Asks for the password; an empty result is no."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        """The words, and a line whose letters are not shown."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            dialog.border_subtitle = "Esc cancels"
            yield Static(self._text, markup=False)
            yield Input(password=True, id="secret")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter was pressed."""
        event.stop()
        self.dismiss(event.value)

    def action_cancel(self) -> None:
        """Nothing is to be done."""
        self.dismiss("")


class Info(ModalScreen[None]):
    """A page of text; any of the usual keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,q,space", "close", "Close")]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        """The text, which scrolls if it is long."""
        with VerticalScroll(classes="dialog wide") as dialog:
            dialog.border_title = safe.one_line(self._title)
            dialog.border_subtitle = "Esc closes"
            yield Static(self._text, markup=False)

    def on_click(self) -> None:
        """A click closes too."""
        self.dismiss()

    def action_close(self) -> None:
        """Close the page."""
        self.dismiss()
