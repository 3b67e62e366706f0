"""From a line to a command."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .arguments import Arg, CommandError, name
from .context import Context
from .synonyms import meant
from .table import BY_NAME, SAY, Frame, Row, Values


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the table with its values, and the frame that does it, without an id; `None` if
    the client does it itself."""

    row: Row
    values: Values = field(default_factory=dict)
    frame: Frame | None = None

    @property
    def name(self) -> str:
        """The row's name."""
        return self.row.name


def parse(line: str, context: Context) -> Command:
    """The command that `line` says.

    Raises:
        CommandError: with a sentence for people.
    """
    line = line.strip("\r\n")
    if not line.startswith("/") or line.startswith("//"):
        return _say(line[1:] if line.startswith("//") else line, context)
    word, _, rest = line[1:].partition(" ")
    row = BY_NAME.get(word)
    if row is None:
        raise CommandError(f"there is no /{word}; {_instead(word)}")
    values = _read(row, rest, context)
    return Command(row, values, row.frame(values, context) if row.frame else None)


def _instead(word: str) -> str:
    row = meant(word)
    return f"perhaps {row.usage} ({row.help})" if row else "try /help"


def _say(text: str, context: Context) -> Command:
    place = context.here
    if place is None:
        word, _, text = text.partition(" ")
        place = name(word, "@#")
    if not text.strip():
        raise CommandError("there is nothing to send")
    values: Values = {"place": place, "text": SAY.args[0].kind.read(text)}
    assert SAY.frame is not None
    return Command(SAY, values, SAY.frame(values, context))


def _read(row: Row, rest: str, context: Context) -> Values:
    values: Values = {}
    for arg in row.args:
        rest = rest.lstrip()
        word, _, after = rest.partition(" ")
        if word and arg.kind.fits(word):
            values[arg.name] = arg.kind.read(rest if arg.kind.rest else word)
            rest = "" if arg.kind.rest else after
        elif arg.here and (context.here or " ")[0] in arg.kind.here:
            values[arg.name] = context.here
        elif not arg.optional:
            raise _missing(row, arg, word)
    if rest.strip():
        raise CommandError(row.lesson if row.args else f"/{row.name} stands alone")
    if any(arg.name == "ref" for arg in row.args):
        place = values.get("place") or context.here or ""
        own = ("payment",) if values.get("what") == "note" else row.own
        values["line"] = context.line(place, values.get("ref"), own)
    return values


def _missing(row: Row, arg: Arg, word: str) -> CommandError:
    why: Any = ""
    if word:
        try:
            arg.kind.read(word)
        except CommandError as error:
            why = f"{error}; "
    return CommandError(f"{why}{row.lesson}")
