"""An export as an HTML page: no script, nothing loaded from elsewhere, everything escaped."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from typing import Any

from protocol.folding import Folding, place_of

from . import notes, safe
from .events import Frame
from .lines import Line
from .wallet import show_grouped

_STYLE = """\
body{font:16px/1.5 sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#222}
h2{border-bottom:1px solid #ccc;margin-top:2.5rem} td,th{text-align:left;padding:.1rem 1rem .1rem 0}
p{margin:.3rem 0;white-space:pre-wrap;overflow-wrap:anywhere} time{color:#777;font-size:.85em}
.note{color:#777;font-style:italic} .money{color:#06632b;font-weight:bold}
@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}.money{color:#6fd08c}}"""


def page(everything: Frame, me: str) -> str:
    """The page. `everything` is the report with `entries` by box."""
    folding = Folding(me)
    entries = [entry for box in everything["entries"].values() for entry in box]
    for entry in entries:
        folding.add(entry)
    parts = [_account(everything, me)]
    for place, said in _by_place(entries, me).items():
        rows = "\n".join(filter(None, (_row(entry, place, folding) for entry in said)))
        parts.append(f"<h2>{_safe(place)}</h2>\n{rows}")
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width">'
        f"<title>Teller: {_safe(me)}</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def _safe(text: object) -> str:
    return escape(safe.lines(str(text)))


def _account(everything: Frame, me: str) -> str:
    profile = everything.get("profile", {})
    rows = [("Name", profile.get("name", "")), ("About", profile.get("about", ""))]
    rows += [
        (currency, show_grouped(each["available"] + each["held"], currency))
        for currency, each in everything.get("balances", {}).items()
    ]
    rows += [(f"Room {room}", role) for room, role in everything.get("rooms", {}).items()]
    rows += [(f"Contact {who}", flags) for who, flags in everything.get("contacts", {}).items()]
    rows += [
        ("Device", f"{each['name']}, since {_when(each['since'])}")
        for each in everything.get("devices", ())
    ]
    rows += [(name, "on" if on else "off") for name, on in everything.get("settings", {}).items()]
    table = "".join(f"<tr><th>{_safe(k)}</th><td>{_safe(v)}</td></tr>" for k, v in rows)
    return f"<h1>{_safe(me)}</h1>\n<table>{table}</table>"


def _by_place(entries: Iterable[Frame], me: str) -> dict[str, list[Frame]]:
    places: dict[str, list[Frame]] = {}
    for entry in entries:
        places.setdefault(place_of(entry, me), []).append(entry)
    return places


def _row(entry: Frame, place: str, folding: Folding) -> str:
    """One line of the page; nothing for entries that only change another."""
    kind = entry["type"]
    head = f"<time>{_when(entry['at'])}</time> <b>{_safe(entry['from'])}</b> "
    if kind in notes.KINDS and (place.startswith("#") or kind == "invite"):
        words = notes.sentence(entry, entry["from"], kind)
        return f'<p class="note"><time>{_when(entry["at"])}</time> {_safe(words)}</p>'
    if kind not in ("message", "forward", "payment", "deposit", "returned"):
        return ""
    line = Line.of(entry, 0)
    line.view = folding.view(place, line.key)
    return f"<p>{head}{_money(entry)}{_words(line)}</p>"


def _money(entry: Frame) -> str:
    if "amount" not in entry:
        return ""
    verb = "came back from" if entry["type"] == "returned" else "paid to"
    amount = _safe(show_grouped(entry["amount"], entry["currency"]))
    return f'<span class="money">{amount}</span> {verb} {_safe(entry["to"])} '


def _words(line: Line) -> str:
    if line.gone:
        return f'<span class="note">({_safe(line.gone)})</span>'
    words: list[Any] = [_safe(line.words)]
    if line.view is not None:
        words += [f'<span class="note">(before: {_safe(old)})</span>' for old in line.view.earlier]
        words += [f"{_safe(emoji)} {len(who)}" for emoji, who in line.view.reactions.items()]
    return " ".join(words)


def _when(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
