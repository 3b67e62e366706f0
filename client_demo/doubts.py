"""What is asked before a command is done that nothing undoes. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from . import safe
from .commands import Command

_QUOTE_CHARS = 60


@dataclass(frozen=True, slots=True)
class Doubt:
    """A question: its title, its text, and what the button for yes says."""

    title: str
    text: str
    yes: str


def doubt(command: Command) -> Doubt | None:
    """The question before `command`; `None` if it can be done at once."""
    values = command.values
    match command.name:
        case "revoke" if "device" not in values:
            text = "Log out all your devices but this one? Each needs the password again."
            return Doubt("Devices", text, "Log out")
        case "leave":
            room = values["room"]
            text = f"Leave {room}? If it is not public, somebody must let you in again."
            text += " If you are the last one there, it closes for good."
            return Doubt("Leave", text, "Leave")
        case "role" if values["role"] == "owner":
            text = f"Give {values['room']} to {values['who']}? Only they can give it back."
            return Doubt("Owner", text, "Give")
        case "delete" if values.get("what") != "me":
            return _deletion(command)
    return None


def _deletion(command: Command) -> Doubt:
    line = command.values["line"]
    words = safe.one_line(line.words)
    quoted = words if len(words) <= _QUOTE_CHARS else words[: _QUOTE_CHARS - 1] + "…"
    what = "the words of your payment" if command.values.get("what") else f"{line.sender}'s line"
    return Doubt("Delete", f"Delete {what} for everyone?\n\n^{line.seq} {quoted}", "Delete")
