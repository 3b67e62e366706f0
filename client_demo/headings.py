"""What stands around a conversation: its title, who types, what to do about a request. Pure."""

from __future__ import annotations

from datetime import tzinfo

from rich.text import Text

from . import notes, safe
from .conversation import Conversation, Line
from .events import Frame
from .listing import money, when
from .model import Model

_SHOWN_MAX = 3


def title(model: Model, name: str, zone: tzinfo | None) -> Text:
    """The name, what it calls itself, and whether somebody is there."""
    if name == model.me:
        return Text(f"{name}  notes to yourself")
    profile = model.people.profiles.get(name, {})
    parts = [name]
    parts += [safe.one_line(profile[key]) for key in ("name", "about") if profile.get(key)]
    present = model.people.presence.get(name)
    if present:
        parts.append({"online": "there now"}.get(present, present))
    elif "seen" in profile:
        parts.append(f"last here {when(profile['seen'], zone)}")
    return Text("  ".join(parts))


def typing(model: Model, name: str) -> Text:
    """Who types."""
    who = model.people.typing(name)
    if not who:
        return Text()
    if len(who) > _SHOWN_MAX:
        return Text(f"{len(who)} people type…")
    return Text(f"{', '.join(who)} {'types' if len(who) == 1 else 'type'}…")


def hint(model: Model, name: str) -> str:
    """What to do where nobody is, about a request, and about what waits for an answer."""
    if name.startswith("@") and name in model.people.unknown and model.is_empty(name):
        return f"This hub knows no {name}. Look at the spelling; /close takes it off the list"
    return _standing(model, name)


def _standing(model: Model, name: str) -> str:
    standing = model.standings.get(name)
    if standing is None:
        return ""
    waits = money(standing.waiting)
    match standing.state:
        case "request":
            also = f"\n{waits} waits for your answer; declined, it goes back." if waits else ""
            return f"{name} is new to you: /accept, /decline or /block{also}"
        case "sent":
            also = f", and {waits}" if waits else ""
            return f"{name} has not answered your request yet. Your words wait there{also}."
        case "blocked":
            return f"You blocked {name}: no words and no money. /unblock ends it"
        case "declined":
            return f"You declined {name}. Write to them, or /accept, to change your mind"
    return ""


def chosen(line: Line | None, conversation: Conversation | None, me: str) -> Text:
    """The line that commands are about now, and who has read it."""
    if line is None or conversation is None:
        return Text()
    text = f"^{line.seq} {line.sender}: {safe.one_line(line.words)[:30]}"
    readers = [who for who, seq in conversation.readers.items() if seq >= (line.seq or 0)]
    if line.sender == me and readers and conversation.name.startswith("#"):
        more = f" and {len(readers) - _SHOWN_MAX} more" if len(readers) > _SHOWN_MAX else ""
        text += f"   read by {', '.join(readers[:_SHOWN_MAX])}{more}"
    return Text(text)


_ABOUT_ME = {
    "invite": "{who} invited you to {room}: /join {room}",
    "kick": "{who} put you out of {room}",
    "ban": "{who} banned you from {room}",
    "mute": "{who} muted you in {room}",
    "role": "{who} made you {role} of {room}",
    "accept": "{who} let you into {room}",
    "decline": "{who} did not let you into {room}",
}


def about_me(entry: Frame) -> str:
    """A sentence about something that others did to us in a room."""
    if "room" not in entry or entry.get("remove"):
        return ""
    role = entry.get("role", "")
    words = {"who": entry["from"], "room": entry["room"], "role": notes.ROLES.get(role, role)}
    return _ABOUT_ME.get(entry["type"], "").format(**words)


def names(model: Model) -> tuple[str, ...]:
    """Names to complete with: conversations, and who spoke in them."""
    people = (line.sender for each in model.conversations.values() for line in each.lines[-50:])
    known = dict.fromkeys((*model.conversations, *model.standings, *people))
    return tuple(name for name in known if name != model.me and name[0] in "@#")
