"""Lines of a conversation as words and styles, for the screen and for the demo."""

from __future__ import annotations

from datetime import datetime, tzinfo

from rich.text import Text

from . import safe
from .conversation import Delivery, Line
from .wallet import show_grouped

MARKS = {
    Delivery.SENDING: ("…", "dim"),
    Delivery.UNKNOWN: ("?", "bold yellow"),
    Delivery.STORED: ("✓", "dim green"),
    Delivery.ACCEPTED: ("→", "bold yellow"),
    Delivery.READ: ("✓✓", "green"),
    Delivery.REFUSED: ("✗", "bold red"),
    Delivery.RETURNED: ("←", "bold red"),
}
_VERBS = {
    Delivery.REFUSED: "wanted to pay",
    Delivery.RETURNED: "wanted to pay",
    Delivery.ACCEPTED: "pays",
}
_ROOM_NOTES = {"create": "made the room", "join": "joined", "leave": "left"}


def clock(line: Line, zone: tzinfo | None) -> str:
    """The time of a line as `12:34`, or blanks if it is not stored. `zone`: `None` is local."""
    return "     " if line.at is None else _when(line.at, zone).strftime("%H:%M")


def day(line: Line, zone: tzinfo | None) -> str:
    """The day of a line, such as `Sunday 22 November 2026`."""
    return "" if line.at is None else _when(line.at, zone).strftime("%A %-d %B %Y")


def _when(at: int, zone: tzinfo | None) -> datetime:
    return datetime.fromtimestamp(at / 1000, zone)


def body(line: Line, me: str) -> Text:
    """Who said or paid what. What others wrote is plain text, whatever it contains."""
    color = "bold bright_cyan" if line.sender == me else "bold bright_magenta"
    sender = Text.assemble((line.sender, color))
    if line.kind == "message":
        return sender + Text("  " + safe.lines(line.text))
    if line.kind in _ROOM_NOTES:
        return Text(f"{line.sender} {_ROOM_NOTES[line.kind]}", style="dim italic")
    style = "bold bright_yellow" if line.sender == me else "bold bright_green"
    verb = _VERBS.get(line.fate, "paid")
    paid = (
        sender
        + Text(f" {verb} ", style="dim")
        + Text(show_grouped(line.amount, line.currency), style)
    )
    paid += Text(" to ", style="dim") + Text(line.to, style="bold")
    return paid + Text("  " + safe.lines(line.text)) if line.text else paid


def mark(line: Line, me: str) -> Text:
    """What became of a line of ours; nothing for the lines of others."""
    if line.sender != me or line.kind not in ("message", "payment"):
        return Text()
    sign, style = MARKS[line.fate]
    return Text(sign, style=style)


def note(line: Line, me: str) -> Text:
    """A sentence below a line whose fate needs one. A room is not told how a payment ended, so
    nothing is said of one that is on its way between others."""
    match line.fate:
        case Delivery.REFUSED:
            return Text(f"not done: {safe.one_line(line.reason)}", style="red")
        case Delivery.UNKNOWN:
            return Text("no answer yet; asking again with the same id", style="yellow")
        case Delivery.ACCEPTED if line.sender == me:
            return Text(f"on its way to {line.to}", style="yellow")
        case Delivery.RETURNED:
            return Text(safe.one_line(line.returned), style="red")
    return Text(safe.one_line(line.unshown), style="yellow")


def plain(line: Line, me: str, zone: tzinfo | None = None) -> str:
    """A whole line as text without styles."""
    parts = [clock(line, zone), body(line, me).plain, mark(line, me).plain, note(line, me).plain]
    return "  ".join(part for part in parts if part)
