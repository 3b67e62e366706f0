"""The top line: who we are, what we have, how we stand with the hub."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from .. import safe
from ..model import Connection, Model
from ..wallet import show_grouped

_STYLES = {
    Connection.CONNECTING: ("○", "yellow"),
    Connection.CONNECTED: ("●", "green"),
    Connection.RECONNECTING: ("○", "yellow"),
    Connection.STOPPED: ("✗", "red"),
}


class Status(Horizontal):
    """Always in view."""

    def compose(self) -> ComposeResult:
        """Three fields: left, middle, right."""
        yield Static(id="me", markup=False)
        yield Static(id="balance", markup=False)
        yield Static(id="connection", markup=False)

    def show(self, model: Model) -> None:
        """Show the state of `model`."""
        balances = " · ".join(model.wallet.lines(show_grouped)) or "no money yet"
        self.query_one("#me", Static).update(Text(f"Teller  {model.me}", style="bold"))
        self.query_one("#balance", Static).update(Text(balances, style="bold"))
        self.query_one("#connection", Static).update(self._connection(model))

    def _connection(self, model: Model) -> Text:
        sign, style = _STYLES[model.connection]
        text = model.connection.value
        if model.connection is Connection.STOPPED and model.trouble:
            text = safe.one_line(model.trouble)[:30]
        waiting = f"{model.waiting} waiting  " if model.waiting else ""
        return Text.assemble((waiting, "yellow"), (f"{sign} {text}", style))
