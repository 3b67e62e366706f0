"""What other programs call our commands: nobody should have to guess twice. Pure."""

from __future__ import annotations

from difflib import get_close_matches

from .row import Row
from .table import BY_NAME

OTHER_NAMES = {
    "reply": "answer quote r",
    "edit": "change correct fix",
    "delete": "remove unsend undo rm",
    "react": "reaction emoji like unreact",
    "pin": "unpin",
    "pins": "pinned",
    "forward": "share fwd",
    "vanish": "disappear expire secret timer",
    "pay": "send transfer money give",
    "open": "msg dm chat query talk to w whisper new",
    "conversations": "list chats inbox requests unread ls",
    "history": "jump goto date scroll log older",
    "search": "find grep",
    "accept": "allow yes",
    "decline": "reject refuse no",
    "block": "report ignore",
    "unblock": "unignore",
    "quiet": "silence notifications unquiet",
    "keep": "star favourite favorite unkeep",
    "archive": "hide unarchive",
    "create": "room group new_room",
    "join": "j enter",
    "leave": "part",
    "members": "who users names participants",
    "invite": "add",
    "link": "invite_link url",
    "unlink": "revoke_link",
    "kick": "put_out",
    "topic": "description",
    "title": "rename",
    "role": "promote demote admin owner op",
    "access": "public private privacy",
    "profile": "whois user",
    "name": "nick",
    "about": "status bio",
    "seen": "last_seen",
    "receipts": "read_receipts",
    "balance": "wallet funds account",
    "devices": "sessions",
    "revoke": "log_out",
    "export": "download backup",
    "erase": "delete_account close_account",
    "theme": "themes colours colors dark light",
    "help": "h commands",
    "logout": "signout",
    "quit": "exit q bye",
}
"""Words of other messengers, shops and banks, by the name of the command that does it here."""
_NEAR = 0.7
"""How alike two words are, from 0 to 1, of which one may be the other with a slip."""


def is_other_name(beginning: str, name: str) -> bool:
    """Whether others call the command `name` by a word that begins so."""
    words = OTHER_NAMES.get(name, "").split()
    return bool(beginning) and any(word.startswith(beginning.lower()) for word in words)


def meant(word: str) -> Row | None:
    """The command that somebody who wrote `/word` may have wanted."""
    word = word.lower()
    for name, words in OTHER_NAMES.items():
        if word == name or word in words.split():
            return BY_NAME[name]
    near = get_close_matches(word, BY_NAME, 1, _NEAR)
    return BY_NAME[near[0]] if near else None
