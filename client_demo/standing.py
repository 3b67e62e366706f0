"""How we stand with a person or a room, and how we want to see the conversation."""

from __future__ import annotations

from dataclasses import dataclass, field

from .events import Frame

_DECISIONS = {
    "accept": "accepted",
    "decline": "declined",
    "block": "blocked",
    "unblock": "accepted",
}
ENTRIES = frozenset((*_DECISIONS, "arrange"))
"""Entries of our own box that change how we stand with somebody."""
_FLAGS = ("muted", "pinned", "archived")


@dataclass(slots=True)
class Standing:
    """`state`: `accepted`, `request` (a stranger waits for our answer), `sent` (we wait for
    theirs), `declined`, `blocked`, `room`, `self`, or empty if it is not known. `waiting`: money
    that waits, in minor units by currency."""

    state: str = ""
    muted: bool = False
    pinned: bool = False
    archived: bool = False
    waiting: dict[str, int] = field(default_factory=dict)

    def told(self, conversation: Frame) -> None:
        """What the hub's list says."""
        self.state = conversation["state"]
        self.waiting = dict(conversation.get("waiting", {}))
        for flag in _FLAGS:
            setattr(self, flag, conversation.get(flag, False))

    def take(self, entry: Frame) -> None:
        """A decision or a wish of ours, as an entry of our own box."""
        if entry["type"] == "arrange":
            for flag in _FLAGS:
                setattr(self, flag, entry.get(flag, getattr(self, flag)))
        else:
            self.state = _DECISIONS[entry["type"]]
            self.waiting = {}
