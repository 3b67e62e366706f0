"""Entries and answers as lines for the line mode: stable words parted by one blank, free text last.

Pure. Names, numbers and codes come first, so that a script can split a line; what people wrote is
the rest of it.
"""

from __future__ import annotations

from .endings import ENDINGS
from .events import Frame
from .wallet import show

_BARE = ("read", "delivered", "profile")
"""Entries that a script does not need."""


def entry_line(entry: Frame) -> str | None:
    """An entry; `None` if there is nothing to tell."""
    kind = entry["type"]
    if kind in _BARE:
        return None
    head = f"{kind} {entry['box']} {entry['seq']} {entry['from']}"
    if kind in ENDINGS:
        return _ending(head, entry)
    if kind in ("payment", "deposit"):
        amount = show(entry["amount"], entry["currency"])
        words = [head, entry["to"], amount, entry.get("state", "settled")]
        return _joined(*words, *_gone(entry), entry.get("text", ""))
    if "ref" in entry or "text" in entry:
        return _said(head, entry)
    return _done(head, entry)


def _said(head: str, entry: Frame) -> str:
    words = [head, entry["to"]]
    for name in ("ref", "thread"):
        if name in entry:
            words.append(f"{name}={entry[name]['from']}:{entry[name]['id']}")
    if "expires_s" in entry:
        words.append(f"expires={entry['expires_s']}s")
    words += [flag for flag in ("remove", "only_me", "note") if entry.get(flag)]
    return _joined(*words, *_gone(entry), entry.get("emoji", ""), entry.get("text", ""))


def _done(head: str, entry: Frame) -> str:
    """Something about a room or a person."""
    words = [head, entry.get("room", ""), entry.get("who", ""), entry.get("role", "")]
    words += [f"for={entry['for_s']}s"] if "for_s" in entry else []
    words += ["asks"] * entry.get("asks", False) + ["remove"] * entry.get("remove", False)
    words += [f"access={entry['access']}"] if "access" in entry else []
    words += [f"slow={entry['slow_s']}s"] if "slow_s" in entry else []
    words += [
        f"{flag}={'yes' if entry[flag] else 'no'}"
        for flag in ("muted", "pinned", "archived")
        if flag in entry
    ]
    return _joined(*words, entry.get("device", ""), entry.get("title", ""), entry.get("topic", ""))


def _ending(head: str, entry: Frame) -> str:
    words = [head, entry["to"], entry["id"], entry.get("reason", "")]
    if "amount" in entry:
        words.append(show(entry["amount"], entry["currency"]))
    return _joined(*words, *["suspended"] * entry.get("suspended", False))


def _gone(entry: Frame) -> list[str]:
    return [f"gone={entry['gone']}"] if "gone" in entry else []


def answer_lines(answer: Frame) -> list[str]:
    """The lines of an answer; the last is `more` if there is another page."""
    kind = answer["type"]
    if kind in ("history", "thread"):
        found = map(entry_line, (*answer["entries"], *answer.get("later", ())))
        lines = [line for line in found if line is not None]
    elif kind == "found":
        lines = [_hit(each) for each in answer["hits"]]
    elif kind == "members":
        lines = [_member(answer["room"], each) for each in answer["members"]]
    elif kind in _EACH:
        lines = [_EACH[kind](each) for each in answer[kind]]
    else:
        lines = []
    return lines + ["more"] * bool(answer.get("more") or (kind == "found" and answer.get("after")))


def _member(room: str, member: Frame) -> str:
    muted = f"muted={member['muted']}" if "muted" in member else ""
    return _joined("member", room, member["who"], member["role"], muted)


def _conversation(each: Frame) -> str:
    words = ["conversation", each["who"], each["state"]]
    words.append(f"unread={each.get('unread', 0)}{'+' * each.get('unread_more', False)}")
    words += [flag for flag in ("muted", "pinned", "archived") if each.get(flag)]
    words += [
        f"waiting={show(amount, currency).replace(' ', '')}"
        for currency, amount in each.get("waiting", {}).items()
    ]
    return _joined(*words)


def _profile(each: Frame) -> str:
    words = ["profile", each["who"]]
    keys = ("access", "members", "slow_s", "seen")
    words += [f"{key}={each[key]}" for key in keys if key in each]
    return _joined(*words, each.get("name", ""), each.get("about", ""))


def _device(each: Frame) -> str:
    current = "current" if each.get("current") else ""
    times = f"{each['since']} {each['seen']}"
    return _joined("device", each["device"], times, current, each["name"])


def _hit(hit: Frame) -> str:
    entry = hit["entry"]
    return _joined("found", entry["box"], str(entry["seq"]), entry["from"], hit["snippet"])


_EACH = {"conversations": _conversation, "profiles": _profile, "devices": _device}


def _joined(*words: str) -> str:
    return " ".join(word for word in words if word)
