"""The arguments of commands: what kinds there are, how each is written and read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from protocol import money
from protocol.limits import QUERY_CHARS_MAX, TEXT_CHARS_MAX, TITLE_CHARS_MAX, TOPIC_CHARS_MAX

from . import emoji

_NAME = re.compile(r"[@#][a-z0-9_]{2,32}")
_LINE = re.compile(r"\^(\d{1,15})")
_SPAN = re.compile(r"(\d{1,8})([smhdw])")
_CODE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_DEVICE = re.compile(r"[^\s]{8,32}")
_KINDS = {"@": "a person like @bob", "#": "a room like #general"}
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}
_DAYS_MAX = 366


class CommandError(Exception):
    """The line is not a command; the message says what to write."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of argument: `shown` is how the usage writes it, `fits` whether a word is meant to be
    one, `read` makes its value or raises `CommandError`. `here`: with which signs the conversation
    in view stands in for one; `rest`: it takes all that is left; `words`: what it may be."""

    shown: str
    fits: Callable[[str], bool]
    read: Callable[[str], Any]
    here: str = ""
    rest: bool = False
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arg:
    """One argument of a command. `optional`: it may be missing; `here`: the conversation in view
    stands in for it."""

    name: str
    kind: Kind
    optional: bool = False
    here: bool = False

    @property
    def usage(self) -> str:
        """The argument as the usage shows it."""
        return f"[{self.kind.shown}]" if self.optional or self.here else self.kind.shown


def name(word: str, signs: str) -> str:
    """`word`, which must be a name with one of `signs`."""
    if word[:1] not in signs or not _NAME.fullmatch(word):
        kinds = " or ".join(_KINDS[sign] for sign in signs)
        raise CommandError(f"{word!r} is not {kinds}")
    return word


def _line(word: str) -> int:
    found = _LINE.fullmatch(word)
    if found is None:
        raise CommandError(f"{word!r} is not a line like ^12")
    return int(found[1])


def _span(word: str) -> int:
    """Seconds of `10m`, `2h`, `7d`."""
    found = _SPAN.fullmatch(word)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 0 < seconds <= _DAYS_MAX * 86_400:
        raise CommandError(f"{word!r} is not a time like 30s, 10m, 2h or 7d")
    return seconds


def moment(word: str) -> int:
    """Milliseconds since 1970 of a day, or of a day with a time, where we are."""
    try:
        return int(datetime.fromisoformat(word).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise CommandError(f"{word!r} is not a day like 2026-11-22, or 2026-11-22T14:30") from None


def last_moment(word: str) -> int:
    """Like `moment`, but of a day without a time its last millisecond: the day counts."""
    try:
        following = date.fromisoformat(word) + timedelta(days=1)
    except (ValueError, OverflowError):
        return moment(word)
    return moment(following.isoformat()) - 1


def _number(word: str) -> int:
    if not word.isascii() or not word.isdigit() or not 0 < int(word[:9]) <= 1_000_000:
        raise CommandError(f"{word!r} is not a number from 1 to 1000000")
    return int(word)


def _text(most: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if len(text) > most:
            raise CommandError(f"a text has at most {most} characters here")
        return text

    return read


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[str], str]:
    def read(word: str) -> str:
        if not pattern.fullmatch(word):
            raise CommandError(f"{word!r} is not {what}")
        return word

    return read


def _emoji(word: str) -> str:
    found = emoji.find(word)
    if found is None:
        raise CommandError(f"{word!r} is no emoji; write one, or a name like :heart:")
    return found


def is_currency(word: str) -> bool:
    """Whether `word` is a currency that Teller keeps, in capitals or not."""
    try:
        money.exponent(word.upper())
    except money.MoneyError:
        return False
    return True


def choice(*words: str) -> Kind:
    """One of a few words."""

    def read(word: str) -> str:
        if word not in words:
            raise CommandError(f"{word!r} is not {' or '.join(words)}")
        return word

    return Kind("|".join(words), words.__contains__, read, words=words)


def _any(_: str) -> bool:
    return True


def _rest(shown: str, most: int) -> Kind:
    return Kind(shown, _any, _text(most), rest=True)


PERSON = Kind("@person", lambda word: word[0] == "@", lambda word: name(word, "@"), here="@")
ROOM = Kind("#room", lambda word: word[0] == "#", lambda word: name(word, "#"), here="#")
NAME = Kind("@name|#room", lambda word: word[0] in "@#", lambda word: name(word, "@#"), here="@#")
PLACE = replace(NAME, shown="where")
LINE = Kind("^line", lambda word: word[0] == "^", _line)
TEXT = _rest("text", TEXT_CHARS_MAX)
TITLE = _rest("title", TITLE_CHARS_MAX)
TOPIC = _rest("text", TOPIC_CHARS_MAX)
WORDS = _rest("words", QUERY_CHARS_MAX)
FOLDER = _rest("folder", 4_096)
EMOJI = Kind("emoji", _any, _emoji)
SPAN = Kind("time", lambda word: word[0].isdigit(), _span)
DAY = Kind("day", lambda word: word[0].isdigit(), moment)
NUMBER = Kind("count", str.isdigit, _number)
CODE = Kind("code", _any, _matching(_CODE, "the code of a link"))
DEVICE = Kind("device", _any, _matching(_DEVICE, "a device; see /devices"))
AMOUNT = Kind("5.00", _any, str)
CURRENCY = Kind("USD", is_currency, str.upper)
WORD = Kind("name", _any, str)
OFF = choice("off")
SWITCH = choice("on", "off")
