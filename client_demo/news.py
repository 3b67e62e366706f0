"""What is told of an entry that just came, wherever it stands: money, calls, requests. Pure."""

from __future__ import annotations

from . import headings, safe
from .events import Frame
from .model import Model
from .wallet import show_grouped

_QUOTE_CHARS = 60
_TWICE = ("invite", "kick", "ban", "accept", "decline")
"""What stands in the room and in the box of whom it is about: it is told once."""
_SAID = ("message", "forward")


def news(entry: Frame, model: Model, current: str | None) -> str:
    """A sentence about `entry`, or nothing. `current` is the conversation that is looked at: what
    is to be seen there need not be told. Ordinary words only count as unread."""
    me, sender = model.me, entry["from"]
    if sender != me and entry.get("who") == me:
        twice = entry["type"] in _TWICE and entry["box"] != me
        return "" if twice else headings.about_me(entry)
    place = entry["box"] if entry["box"].startswith("#") else sender
    if me == sender or place == current or model.standing(place).muted or entry.get("gone"):
        return ""
    if entry["type"] in ("payment", "deposit"):
        return _money(entry) if entry["to"] == me == entry["box"] else ""
    return _words(entry, place, model) if entry["type"] in _SAID else ""


def _words(entry: Frame, place: str, model: Model) -> str:
    me, sender = model.me, entry["from"]
    if place == sender and model.standing(sender).state == "":
        return f"{sender} wants to talk with you: /open {sender}"
    if me in entry.get("mentions", ()) or "@all" in entry.get("mentions", ()):
        return f"{sender} in {place}: {_short(entry['text'])}"
    return ""


def _money(entry: Frame) -> str:
    sender, amount = entry["from"], show_grouped(entry["amount"], entry["currency"])
    words = f": {_short(entry['text'])}" if entry.get("text") else ""
    if entry.get("state") == "waiting":
        return f"{sender} offers you {amount}{words}. /accept {sender} or /decline {sender}"
    return f"{sender} paid you {amount}{words}"


def _short(text: str) -> str:
    text = safe.one_line(text)
    return text if len(text) <= _QUOTE_CHARS else text[: _QUOTE_CHARS - 1] + "…"
