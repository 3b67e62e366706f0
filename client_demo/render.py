"""Lines of a conversation as words and styles, for the screen and for the demo."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo

from rich.text import Text

from . import markup, notes, safe
from .lines import Delivery, Key, Line
from .wallet import show_grouped

MARKS = {
    Delivery.SENDING: ("…", "dim"),
    Delivery.UNKNOWN: ("?", "bold yellow"),
    Delivery.STORED: ("✓", "dim green"),
    Delivery.ACCEPTED: ("→", "bold yellow"),
    Delivery.WAITING: ("◌", "bold yellow"),
    Delivery.DELIVERED: ("✓·", "dim green"),
    Delivery.READ: ("✓✓", "green"),
    Delivery.REFUSED: ("✗", "bold red"),
    Delivery.RETURNED: ("←", "bold red"),
}
_VERBS = {
    Delivery.REFUSED: "wanted to pay",
    Delivery.RETURNED: "wanted to pay",
    Delivery.SENDING: "pays",
    Delivery.UNKNOWN: "pays",
    Delivery.ACCEPTED: "pays",
    Delivery.WAITING: "offers",
}
_GONE = {
    "deleted": "deleted",
    "expired": "disappeared",
    "erased": "erased with the account",
    "locked": "cannot be read now",
}
_QUOTE_CHARS = 60


def clock(line: Line, zone: tzinfo | None) -> str:
    """The time of a line as `12:34`, or blanks if it is not stored. `zone`: `None` is local."""
    return "     " if line.at is None else _when(line.at, zone).strftime("%H:%M")


def day(line: Line, zone: tzinfo | None) -> str:
    """The day of a line, such as `Sunday 22 November 2026`."""
    return "" if line.at is None else _when(line.at, zone).strftime("%A %-d %B %Y")


def _when(at: int, zone: tzinfo | None) -> datetime:
    return datetime.fromtimestamp(at / 1000, zone)


def body(line: Line, me: str) -> Text:
    """Who said or paid what. What others wrote is styled, never obeyed."""
    color = "bold bright_cyan" if line.sender == me else "bold bright_magenta"
    sender = Text.assemble((line.sender, color))
    if line.kind in notes.KINDS:
        return Text(notes.sentence(line.frame, line.sender, line.kind), style="dim italic")
    if line.kind in ("message", "forward"):
        return sender + Text("  ") + _words(line, me)
    style = "bold bright_yellow" if line.sender == me else "bold bright_green"
    verb = _VERBS.get(line.fate, "paid")
    amount = Text(show_grouped(line.amount, line.currency), style)
    paid = sender + Text(f" {verb} ", style="dim") + amount
    paid += Text(" to ", style="dim") + Text(line.to, style="bold")
    return paid + Text("  ") + _words(line, me) if line.words or line.gone else paid


def _words(line: Line, me: str) -> Text:
    if line.gone:
        return Text(f"({_GONE.get(line.gone, line.gone)})", style="dim italic")
    words = markup.styled(line.words, me)
    if line.kind == "forward" and line.ref:
        words = Text(f"from {line.ref[0]}: ", style="dim italic") + words
    if line.view and line.view.earlier:
        words += Text(" (edited)", style="dim")
    return words


def above(line: Line, find: Callable[[Key], Line | None]) -> Text:
    """What a line answers, or which thread it belongs to."""
    key = line.thread or (line.ref if line.kind == "message" else None)
    if key is None:
        return Text()
    known = find(key)
    said = safe.one_line(known.words if known else "")[:_QUOTE_CHARS]
    sign = "⌙ thread of" if line.thread else "↳"
    return Text(f"{sign} {key[0]}: {said or '…'}", style="dim italic")


def below(line: Line, zone: tzinfo | None) -> Text:
    """Reactions, the pin, replies, and when the words disappear."""
    view, parts = line.view, []
    if view is not None:
        parts = [
            f"{safe.one_line(emoji)} {len(who)}" if len(who) > 1 else safe.one_line(emoji)
            for emoji, who in view.reactions.items()
        ]
        parts += ["▴ pinned"] * view.pinned
        if view.replies > 1:  # a single one stands right there
            parts.append(f"{view.replies} replies")
    if line.ends_at is not None and not line.gone:
        parts.append(f"disappears {_end(line.at or 0, line.ends_at, zone)}")
    return Text("  ".join(parts), style="dim" if parts else "")


def _end(begins: int, ends: int, zone: tzinfo | None) -> str:
    """The time of day, with the day if it is another one."""
    other = _when(begins, zone).date() != _when(ends, zone).date()
    return _when(ends, zone).strftime("%Y-%m-%d %H:%M" if other else "%H:%M")


def until(at: int, zone: tzinfo | None) -> str:
    """Until when something holds, such as `, until 12:34:56`; nothing if that is not known."""
    return f", until {_when(at, zone).strftime('%Y-%m-%d %H:%M:%S')}" if at else ""


def mark(line: Line, me: str) -> Text:
    """What became of a line of ours; nothing for the lines of others."""
    if line.sender != me or line.kind not in ("message", "forward", "payment"):
        return Text()
    sign, style = MARKS[line.fate]
    return Text(sign, style=style)


def note(line: Line, me: str, zone: tzinfo | None = None) -> Text:
    """A sentence below a line whose fate needs one. A room is not told how a payment ended, so
    nothing is said of one that is on its way between others."""
    red, said = "", safe.one_line(line.unshown)
    match line.fate:
        case Delivery.REFUSED:
            red = f"not done: {safe.one_line(line.reason)}{until(line.until, zone)}"
        case Delivery.RETURNED:
            red = safe.one_line(line.returned)
        case Delivery.UNKNOWN:
            said = "no answer yet; asking again with the same id"
        case Delivery.ACCEPTED if line.sender == me:
            said = f"on its way to {line.to}"
        case Delivery.WAITING if line.sender == me:
            said = f"waits until {line.to} accepts you" + _else(line, "it comes back", zone)
        case Delivery.WAITING if line.to == me:
            said = f"waits: /accept or /decline {line.sender}" + _else(line, "it goes back", zone)
    return Text(red, style="red") if red else Text(said, style="yellow")


def _else(line: Line, what: str, zone: tzinfo | None) -> str:
    """What happens to money that nobody accepts, and when, if that is known."""
    if line.waits_until is None:
        return ""
    return f"; else {what} {_when(line.waits_until, zone).strftime('%Y-%m-%d %H:%M')}"


def plain(line: Line, me: str, zone: tzinfo | None = None) -> str:
    """A whole line as text without styles."""
    texts = [body(line, me), mark(line, me), note(line, me, zone), below(line, zone)]
    parts = [clock(line, zone), *(text.plain for text in texts)]
    return "  ".join(part for part in parts if part)
