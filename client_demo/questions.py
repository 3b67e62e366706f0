"""Questions to the hub, and the one for the page after an answer. Pure."""

from __future__ import annotations

from .events import Frame

QUESTIONS = frozenset(
    ("members", "history", "thread", "conversations", "profiles", "devices", "search")
)
"""Types of questions whose answers are pages that somebody wants to see."""


_AFTER = {
    "members": ("members", "who"),
    "conversations": ("conversations", "who"),
    "thread": ("entries", "seq"),
}


def next_page(question: Frame, answer: Frame) -> Frame | None:
    """What to ask for what comes after `answer`; `None` if that was all."""
    asked = {name: value for name, value in question.items() if name != "id"}
    kind = answer["type"]
    if kind == "found":
        return asked | {"after": answer["after"]} if answer.get("after") else None
    if kind == "history" and answer["more"] and answer["entries"]:
        return _history(asked, answer["entries"])
    field, key = _AFTER.get(kind, ("", ""))
    if not field or not answer["more"] or not answer[field]:
        return None
    return asked | {"after": answer[field][-1][key]}


def _history(asked: Frame, entries: list[Frame]) -> Frame:
    """The page goes on in the direction of the question."""
    forward = "at" in asked or "after" in asked
    rest = {name: value for name, value in asked.items() if name not in ("at", "after", "before")}
    if forward:
        return rest | {"after": entries[-1]["seq"]}
    return rest | {"before": entries[0]["seq"]}
