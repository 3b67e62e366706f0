"""What happened in a room, as a sentence."""

from __future__ import annotations

from . import safe
from .events import Frame
from .spans import in_words

KINDS = frozenset(
    (
        *("create", "join", "leave", "invite", "kick", "ban", "mute", "role", "topic"),
        *("accept", "decline"),
    )
)
ROLES = {"owner": "the owner", "admin": "an admin", "member": "a member", "reader": "a reader"}
_ACCESS = {"public": "open to all", "private": "for those invited", "ask": "open on request"}


_SENTENCES = {
    "create": "{who} made the room",
    "join": "{who} joined",
    "leave": "{who} left",
    "invite": "{who} invited {other} to {room}",
    "kick": "{who} put {other} out",
    "role": "{who} made {other} {role}",
    "accept": "{who} let {other} in",
    "decline": "{who} did not let {other} in",
}


def sentence(entry: Frame, who: str, kind: str) -> str:
    """The sentence about an entry of the kind `kind` by `who`."""
    if kind in ("ban", "mute"):
        return _restraint(entry, who, kind)
    if kind == "topic":
        return _topic(entry, who)
    if entry.get("asks"):
        return f"{who} asks to join: /accept {who} or /decline {who}"
    words = {"who": who, "other": entry.get("who"), "room": entry.get("room")}
    role = entry.get("role", "")
    return _SENTENCES[kind].format(**words, role=ROLES.get(role, role))


def _restraint(entry: Frame, who: str, kind: str) -> str:
    other, verb = entry["who"], "banned" if kind == "ban" else "muted"
    if entry.get("remove"):
        return f"{who} un{verb} {other}"
    span = f" for {in_words(entry['for_s'])}" if entry.get("for_s") else ""
    return f"{who} {verb} {other}{span}"


def _topic(entry: Frame, who: str) -> str:
    parts = []
    if "title" in entry:
        parts.append(f"the title “{safe.one_line(entry['title'])}”")
    if "topic" in entry:
        parts.append(f"the topic “{safe.one_line(entry['topic'])}”")
    if "access" in entry:
        parts.append(f"the room {_ACCESS.get(entry['access'], entry['access'])}")
    if "slow_s" in entry:
        wait = entry["slow_s"]
        parts.append(f"{in_words(wait)} between lines" if wait else "no wait between lines")
    return f"{who} set {', '.join(parts) or 'nothing'}"
