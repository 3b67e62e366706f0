"""What people type, as typed commands. Pure: nothing here sends anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from protocol import money

from .wallet import show_grouped

_NAME = re.compile(r"[@#][a-z0-9_]{2,32}")
_CODE = re.compile(r"[A-Z]{3}")
_KINDS = {"@": "a person like @bob", "#": "a room like #general"}
_TEXT_CHARS_MAX = 65_536

HELP = """\
Type a text and press Enter to send it.

/pay @bob 5.00 coffee      pay; or: 5.00 EUR coffee
/open @bob                 talk with a person
/join #room  /create #room enter, or make, a room
/leave       /members      of this room
/balance     /help  /quit
/close                     an empty conversation
/logout                    quit, and forget the kept login
//text                     a text that begins with /

Tab, Ctrl+N   next conversation    Ctrl+P   previous
PgUp, PgDn    older, newer         Ctrl+Q   quit
Up, Down      lines typed before
… sending  ? unknown, asked again  ✓ stored  ✓✓ read
→ money on its way   ← could not be delivered"""


class CommandError(Exception):
    """The line is not a command; the message says what to write."""


@dataclass(frozen=True, slots=True)
class Say:
    """Send words."""

    to: str
    text: str


@dataclass(frozen=True, slots=True)
class Pay:
    """Send money: `amount` minor units of `currency`; shown in `room` if there is one."""

    to: str
    amount: int
    currency: str
    text: str = ""
    room: str = ""


@dataclass(frozen=True, slots=True)
class Open:
    """Look at the conversation with a person."""

    name: str


@dataclass(frozen=True, slots=True)
class RoomCommand:
    """`create`, `join`, `leave` or `members`."""

    kind: str
    room: str


@dataclass(frozen=True, slots=True)
class Simple:
    """`balance`, `close`, `help`, `logout` or `quit`."""

    kind: str


Command: TypeAlias = Say | Pay | Open | RoomCommand | Simple


def parse(line: str, here: str | None, currency: str | None) -> Command:
    """The command that `line` says.

    Args:
        line: What was typed.
        here: The conversation in view; without one a text must begin with a name.
        currency: What a payment means that names none.

    Raises:
        CommandError: with a sentence for people.
    """
    line = line.strip("\r\n")
    if line.startswith("/") and not line.startswith("//"):
        word, _, rest = line[1:].partition(" ")
        parser = _COMMANDS.get(word)
        if parser is None:
            raise CommandError(f"there is no /{word}; try /help")
        return parser(word, rest.split(), here, currency)
    text = line[1:] if line.startswith("//") else line
    return _say(text, here)


def _say(text: str, here: str | None) -> Say:
    if here is None:
        name, _, text = text.partition(" ")
        here = _name(name, "@#")
    if not text.strip():
        raise CommandError("there is nothing to send")
    if len(text) > _TEXT_CHARS_MAX:
        raise CommandError(f"a text has at most {_TEXT_CHARS_MAX} characters")
    return Say(here, text)


def _pay(_: str, words: list[str], here: str | None, currency: str | None) -> Pay:
    if words and words[0][:1].isdigit() and here and here.startswith("@"):
        words = [here, *words]  # in a conversation with a person, it is clear who is paid
    if len(words) < 2:
        raise CommandError("write it like: /pay @bob 5.00 coffee")
    to, amount, *note = words
    if note and _is_currency(note[0]):
        currency, *note = note[0].upper(), *note[1:]
    elif note and _CODE.fullmatch(note[0]):
        example = f"/pay {to} {amount} {currency or 'USD'} {note[0]}"
        raise CommandError(f"{note[0]!r} is no currency; if it is a note, write: {example}")
    if currency is None:
        raise CommandError("name the currency, like: /pay @bob 5.00 USD coffee")
    room = here if here and here.startswith("#") else ""
    try:
        return Pay(_name(to, "@"), money.parse(amount, currency), currency, " ".join(note), room)
    except money.MoneyError as error:
        raise CommandError(str(error)) from None


def _open(_: str, words: list[str], __: str | None, ___: str | None) -> Open:
    if len(words) != 1:
        raise CommandError("write it like: /open @bob")
    return Open(_name(words[0], "@#"))


def _room(kind: str, words: list[str], here: str | None, _: str | None) -> RoomCommand:
    if not words and here and here.startswith("#") and kind in ("leave", "members"):
        words = [here]
    if len(words) != 1:
        raise CommandError(f"write it like: /{kind} #room")
    return RoomCommand(kind, _name(words[0], "#"))


def _simple(kind: str, words: list[str], _: str | None, __: str | None) -> Simple:
    if words:
        raise CommandError(f"/{kind} stands alone")
    return Simple(kind)


def _name(word: str, signs: str) -> str:
    if word[:1] not in signs or not _NAME.fullmatch(word):
        kinds = " or ".join(_KINDS[sign] for sign in signs)
        raise CommandError(f"{word!r} is not {kinds}")
    return word


def _is_currency(word: str) -> bool:
    try:
        money.exponent(word.upper())
    except money.MoneyError:
        return False
    return True


_Parser: TypeAlias = Callable[[str, list[str], "str | None", "str | None"], Command]
_COMMANDS: dict[str, _Parser] = {
    "pay": _pay,
    "open": _open,
    **dict.fromkeys(("create", "join", "leave", "members"), _room),
    **dict.fromkeys(("balance", "close", "help", "logout", "quit"), _simple),
}


def check_payment(pay: Pay, me: str, available: int | None) -> None:
    """Refuse what the hub would surely refuse, before anybody is asked.

    Args:
        pay: What was typed.
        me: Our own name.
        available: What we have of its currency, in minor units; `None` if that is not known.

    Raises:
        CommandError: with a sentence for people.
    """
    if pay.to == me:
        raise CommandError("that is you; nobody pays themselves")
    if available is not None and pay.amount > available:
        wanted, have = show_grouped(pay.amount, pay.currency), show_grouped(available, pay.currency)
        raise CommandError(f"{wanted} is more than you have: {have}")


def to_frame(command: Say | Pay | RoomCommand) -> dict[str, object]:
    """The frame that does what the command says, without its id."""
    if isinstance(command, Say):
        return {"type": "message", "to": command.to, "text": command.text}
    if isinstance(command, RoomCommand):
        return {"type": command.kind, "room": command.room}
    frame: dict[str, object] = {
        "type": "payment",
        "to": command.to,
        "amount": command.amount,
        "currency": command.currency,
    }
    extra = {"text": command.text, "room": command.room}
    return frame | {name: value for name, value in extra.items() if value}
