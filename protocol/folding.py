"""What entries come to: edits, deletions, reactions and pins, folded into what is to be seen.

An entry never changes. Later ones speak of it by `ref`, and whoever shows it folds them in. Here an
entry is a map, as it travels. Entries may come in any order and more than once: live, in pages of
history, or among `later`; what is seen depends only on which are known. So every client that knows
the same entries sees the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

Frame: TypeAlias = Mapping[str, Any]
Key: TypeAlias = tuple[str, str]
"""Who sent an entry, and its id: the same for everyone."""

SUBJECTS = frozenset(("message", "forward", "payment"))
"""Types of entries that others may speak of."""
CHANGES = frozenset(("edit", "delete", "react", "pin"))
"""Types of entries that change how another is seen."""
_WORDS = frozenset(("message", "forward"))


class View(NamedTuple):
    """An entry as it is to be seen now."""

    entry: Frame
    """As it was sent."""
    text: str
    """The newest words; empty if they are gone."""
    earlier: tuple[str, ...]
    """The words before each edit, oldest first."""
    gone: str
    """Why there are no words: `deleted`, `expired`, `erased` or `locked`."""
    reactions: dict[str, tuple[str, ...]]
    """Who reacted with each emoji, in the order in which they came."""
    pinned: bool
    replies: int
    """How many known entries reply to it, or belong to its thread."""


def place_of(entry: Frame, me: str) -> str:
    """The conversation of an entry in one's boxes: a room, the other person, or oneself."""
    box, to = str(entry.get("box", "")), str(entry.get("to", ""))
    if box.startswith("#"):
        return box
    if to.startswith("#") or entry["from"] == me:
        return to or me
    return str(entry["from"])


def key_of(ref: Frame) -> Key:
    """The key of an entry, or of what a `ref` names."""
    return str(ref["from"]), str(ref["id"])


class Folding:
    """All entries known of one account's boxes, by conversation."""

    def __init__(self, me: str) -> None:
        self._me = me
        self._subjects: dict[tuple[str, Key], Frame] = {}
        self._about: dict[tuple[str, Key], dict[Key, Frame]] = {}
        """What speaks of each entry, also of those not known yet."""

    def add(self, entry: Frame) -> list[tuple[str, Key]]:
        """Take an entry into account; where what is to be seen changes by it."""
        place, kind = place_of(entry, self._me), entry["type"]
        touched: list[tuple[str, Key]] = []
        if kind in SUBJECTS:
            at = (place, key_of(entry))
            self._subjects[at] = _fuller(entry, self._subjects.get(at))
            touched.append(at)
        for name in ("ref", "thread"):
            if name in entry and (kind in CHANGES or kind == "message"):
                at = (place, key_of(entry[name]))
                about = self._about.setdefault(at, {})
                about[key_of(entry)] = _fuller(entry, about.get(key_of(entry)))
                touched.append(at)
        return touched

    def forget(self, place: str) -> None:
        """Drop all that is known of a conversation."""
        for known in (self._subjects, self._about):
            for at in [at for at in known if at[0] == place]:
                del known[at]

    def view(self, place: str, key: Key, now: int = 0) -> View | None:
        """What is to be seen of an entry at the time `now`, in ms; None if it is not known."""
        subject = self._subjects.get((place, key))
        if subject is None:
            return None
        about = self._about.get((place, key), {}).values()
        return fold(subject, sorted(about, key=_order), now)


def fold(subject: Frame, about: Iterable[Frame], now: int = 0) -> View:
    """`subject` with what speaks of it, in the order of the box, at the time `now` in ms.

    A change that its sender may not make is passed over, as the hub does not take it either.
    """
    texts = [str(subject.get("text", ""))]
    gone = str(subject.get("gone", ""))
    reactions: dict[str, dict[str, None]] = {}
    pinned, replies = False, 0
    for entry in about:
        kind = entry["type"]
        if kind == "edit" and may_edit(subject, entry["from"]):
            texts.append(entry["text"])
            gone = gone if gone == "deleted" else str(entry.get("gone", ""))
        elif kind == "delete" and may_delete(subject, entry):
            gone = "deleted"
        elif kind == "react":
            _react(reactions, entry)
        elif kind == "pin":
            pinned = not entry.get("remove", False)
        elif kind == "message":
            replies += 1
    if not gone and has_expired(subject, now):
        gone = "expired"
    shown = {emoji: tuple(who) for emoji, who in reactions.items() if who}
    earlier = () if gone else tuple(texts[:-1])
    return View(subject, "" if gone else texts[-1], earlier, gone, shown, pinned, replies)


def may_edit(subject: Frame, who: str) -> bool:
    """Whether `who` may give `subject` other words: their own, and not such as disappear."""
    own = subject["type"] == "message" and subject["from"] == who
    return own and "expires_s" not in subject


def may_delete(subject: Frame, delete: Frame) -> bool:
    """Whether `delete` takes the words of `subject` away: of a payment only its payer's note.

    In a room somebody else's deletion stands there only if an admin made it.
    """
    own = delete["from"] == subject["from"]
    if delete.get("note", False):
        return bool(own and subject["type"] == "payment")
    in_room = str(subject.get("box", "")).startswith("#")
    mine = own or in_room or delete.get("only_me", False)
    return bool(mine and subject["type"] in _WORDS)


def has_expired(subject: Frame, now: int) -> bool:
    """Whether the words of `subject` have disappeared at the time `now`, in ms."""
    lifetime = subject.get("expires_s")
    return lifetime is not None and "at" in subject and subject["at"] + lifetime * 1000 <= now


def _react(reactions: dict[str, dict[str, None]], entry: Frame) -> None:
    who = reactions.setdefault(entry["emoji"], {})
    if entry.get("remove", False):
        who.pop(entry["from"], None)
    else:
        who.setdefault(entry["from"])


def _order(entry: Frame) -> tuple[float, int, str]:
    """By the place in the box; what has none yet is newest. One that only hides an entry of a room
    from oneself stands in another box, where its seq says nothing: it hides whatever came."""
    hides = entry.get("only_me", False)
    return (
        float("inf") if hides or "seq" not in entry else entry["seq"],
        entry.get("at", 0),
        entry["id"],
    )


def _fuller(new: Frame, known: Frame | None) -> Frame:
    """Of two tellings of one entry the one to keep: a stored one, and one whose words are gone for
    good."""
    if known is None or "seq" not in known:
        return new
    gone = known.get("gone", "locked") != "locked"
    return known if gone or "seq" not in new else new
