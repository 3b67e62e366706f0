"""Answers of the hub as items of a list, for people. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from rich.text import Text

from protocol.folding import SUBJECTS, Folding, key_of, place_of

from . import notes, render, safe
from .events import Frame
from .lines import Line
from .wallet import show_grouped

_LAST_CHARS = 70
"""Columns for the newest entry of a conversation: it fits a screen of 80."""
_STATES = {
    "request": "wants to talk with you: /accept or /decline",
    "sent": "has not answered your request yet",
    "declined": "declined",
    "blocked": "blocked",
    "self": "notes to yourself",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One item: what it shows, and the conversation that it opens, if any, at line `seq`."""

    text: Text
    opens: str = ""
    seq: int = 0


def title(question: Frame, place: str = "") -> str:
    """What an answer to `question`, about the conversation `place`, is headed with."""
    match question["type"]:
        case "members":
            return f"Members of {question['room']}"
        case "history":
            return place or str(question["box"])
        case "thread":
            return f"About a line of {question['ref']['from']}"
        case "search":
            return f"Search: {_searched(question)}"
        case "profiles":
            return "Profile"
    return str(question["type"]).capitalize()


def _searched(question: Frame) -> str:
    """What was searched for, as it is typed."""
    named = (("in", "box"), ("from", "who"))
    words = [f"{word}:{question[field]}" for word, field in named if field in question]
    return " ".join([question.get("words", ""), *words, *["money"] * ("money" in question)]).strip()


def items(answer: Frame, me: str, zone: tzinfo | None, place: str = "") -> list[Item]:
    """The items of an answer; of a page of history only those of the conversation `place`, if one
    is named."""
    kind = answer["type"]
    if kind == "history" and place:
        return [each for each in _entries(_page(answer), me, zone) if each.opens == place]
    if kind == "found":
        return [_hit(each, me, zone) for each in answer["hits"]] + _behind(answer)
    if kind in ("history", "thread"):
        return _entries(_page(answer), me, zone)
    return [_ITEMS[kind](each, zone) for each in answer[kind]]


def _page(answer: Frame) -> tuple[Frame, ...]:
    return (*answer["entries"], *answer.get("later", ()))


def when(at: int, zone: tzinfo | None) -> str:
    """A moment in milliseconds since 1970 as `2026-11-22 12:34`."""
    return datetime.fromtimestamp(at / 1000, zone).strftime("%Y-%m-%d %H:%M")


def said(line: Line, place: str, me: str, zone: tzinfo | None) -> Item:
    """A line of the conversation `place`, as one item."""
    head = Text(f"^{line.seq} {when(line.at or 0, zone)}  ", style="dim")
    return Item(head + render.body(line, me), place, line.seq or 0)


def money(waiting: dict[str, int]) -> str:
    """Money that waits, in words."""
    return ", ".join(show_grouped(amount, currency) for currency, amount in waiting.items())


def _member(member: Frame, zone: tzinfo | None) -> Item:
    role = "" if member["role"] == "member" else f"  {member['role']}"
    muted = f"  muted until {when(member['muted'], zone)}" if "muted" in member else ""
    return Item(Text(f"{member['who']}{role}{muted}"), member["who"])


def _conversation(each: Frame, zone: tzinfo | None) -> Item:
    text = Text(each["who"], style="bold")
    if each.get("unread"):
        text += Text(f"  {each['unread']}{'+' * each.get('unread_more', False)} new", style="green")
    if each["state"] in _STATES:
        text += Text(f"  {_STATES[each['state']]}", style="yellow")
    if each.get("waiting"):
        text += Text(f"  {money(each['waiting'])} waits", style="bold yellow")
    flags = [flag for flag in ("muted", "pinned", "archived") if each.get(flag)]
    text += Text("  " + ", ".join(flags), style="dim")
    last = _last(each, zone)
    return Item(text + Text("\n") + last if last else text, each["who"])


def _last(conversation: Frame, zone: tzinfo | None) -> Text:
    """The newest entry of a conversation on one line, if it says anything."""
    last = conversation.get("last")
    if last is None or last["type"] not in (*SUBJECTS, "deposit", *notes.KINDS):
        return Text()
    words = render.body(Line.of(last, 0), "").plain.replace("\n", " ")
    text = Text(f"  {when(last['at'], zone)}  {words}", style="dim", no_wrap=True)
    text.truncate(_LAST_CHARS, overflow="ellipsis")
    return text


def _profile(each: Frame, zone: tzinfo | None) -> Item:
    parts = [safe.one_line(each[key]) for key in ("name", "about") if each.get(key)]
    if "members" in each:
        parts.append(f"{each['members']} members, {each.get('access', 'public')}")
    if each.get("slow_s"):
        parts.append(f"one line in {each['slow_s']} s")
    if "seen" in each:
        parts.append(f"last here {when(each['seen'], zone)}")
    return Item(Text("  ".join((each["who"], *parts))), each["who"])


def _device(each: Frame, zone: tzinfo | None) -> Item:
    text = f"{each['device']}  {safe.one_line(each['name'])}  since {when(each['since'], zone)}"
    text += "  this one" if each.get("current") else f"  last here {when(each['seen'], zone)}"
    return Item(Text(text))


_ITEMS = {
    "members": _member,
    "conversations": _conversation,
    "profiles": _profile,
    "devices": _device,
}


def _hit(hit: Frame, me: str, zone: tzinfo | None) -> Item:
    entry = hit["entry"]
    place = place_of(entry, me)
    head = Text(f"{when(entry['at'], zone)} {place} {entry['from']}", style="dim")
    amount = f" {show_grouped(entry['amount'], entry['currency'])}" if "amount" in entry else ""
    text = head + Text(amount, "green") + Text(f"  {safe.one_line(hit['snippet'])}")
    return Item(text, place, entry["seq"])


def _behind(answer: Frame) -> list[Item]:
    count = answer.get("behind", 0)
    return [Item(Text(f"{count} newer entries are not searched yet", style="yellow"))] * bool(count)


def _entries(entries: Iterable[Frame], me: str, zone: tzinfo | None) -> list[Item]:
    """Entries as they are to be seen with what is known of them; what only changes another entry
    that is here is no item of its own."""
    entries = list(entries)
    folding = Folding(me)
    for entry in entries:
        folding.add(entry)
    found = (_entry(entry, folding, me, zone) for entry in entries)
    return [item for item in found if item is not None]


def _entry(entry: Frame, folding: Folding, me: str, zone: tzinfo | None) -> Item | None:
    kind, place = entry["type"], place_of(entry, me)
    head = Text(f"^{entry['seq']} {when(entry['at'], zone)}  ", style="dim")
    if kind in SUBJECTS or kind == "deposit" or (kind in notes.KINDS and place.startswith("#")):
        line = Line.of(entry, 0)
        line.view = folding.view(place, line.key)
        tail = render.below(line, zone)
        return Item(head + render.body(line, me) + Text("  ") + tail, place, entry["seq"])
    if "ref" in entry and folding.view(place, key_of(entry["ref"])) is None:
        return Item(head + Text(_change(entry), style="italic"), place)
    return None


def _change(entry: Frame) -> str:
    """What an entry says of another that is not here."""
    who, ending = entry["from"], " any more" if entry.get("remove") else ""
    match entry["type"]:
        case "edit":
            return f"{who} edited: {safe.one_line(entry['text'])}"
        case "react":
            no = "no " if ending else ""
            return f"{who}: {no}{safe.one_line(entry['emoji'])}{ending}"
        case "pin":
            return f"{who} {'unpinned' if ending else 'pinned'} it"
    return f"{who} deleted it"
