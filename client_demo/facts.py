"""All that is known of one line: its state, who read it, who reacted, its earlier words. Pure."""

from __future__ import annotations

from datetime import tzinfo

from rich.text import Text

from . import render, safe
from .conversation import Conversation
from .lines import Delivery, Line
from .listing import Item, when

_STATES = {
    Delivery.SENDING: "being sent",
    Delivery.UNKNOWN: "no answer yet; it is asked for again",
    Delivery.STORED: "stored on disk",
    Delivery.ACCEPTED: "stored; the money is on its way",
    Delivery.WAITING: "stored; the money waits to be accepted",
    Delivery.DELIVERED: "stored, and delivered",
    Delivery.READ: "stored, and read",
    Delivery.REFUSED: "refused",
    Delivery.RETURNED: "came back",
}
_SHOWN_MAX = 50
"""Readers of a line that are named."""


def facts(line: Line, conversation: Conversation, me: str, zone: tzinfo | None) -> list[Item]:
    """What is known of `line`, as items."""
    rows = [("", render.body(line, me)), ("when", Text(when(line.at or 0, zone)))]
    if line.sender == me:
        rows.append(("state", Text(_STATES[line.fate])))
    note = render.note(line, me, zone)
    rows += [("", note)] * bool(note)
    rows += [("read by", Text(names)) for names in [_readers(line, conversation)] if names]
    if line.view is not None:
        for emoji, who in line.view.reactions.items():
            rows.append((safe.one_line(emoji), Text(", ".join(who))))
        rows += [("before", Text(safe.one_line(old))) for old in reversed(line.view.earlier)]
        rows += [("pinned", Text("yes"))] * line.view.pinned
        rows += [("replies", Text(f"{line.view.replies}: /thread"))] * bool(line.view.replies)
    if line.ends_at is not None:
        rows.append(("disappears", Text(when(line.ends_at, zone))))
    rows.append(("number", Text(f"^{line.seq}")))
    rows += [("payment", Text(safe.one_line(line.id)))] * bool(line.amount)
    return [Item(Text(f"{head:<11}", style="dim") + text) for head, text in rows]


def _readers(line: Line, conversation: Conversation) -> str:
    """Who has read it, in a room."""
    if not conversation.name.startswith("#"):
        return ""
    who = [name for name, seq in conversation.readers.items() if seq >= (line.seq or 0)]
    others = [name for name in who if name != line.sender]
    more = f" and {len(others) - _SHOWN_MAX} more" if len(others) > _SHOWN_MAX else ""
    return ", ".join(others[:_SHOWN_MAX]) + more
