"""How a line that is being typed may go on. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from . import emoji
from .arguments import Kind
from .table import BY_NAME, ROWS, Row

OPEN = ("in:", "from:", "since:", "until:")
"""Words that go on without a blank."""
_SHOWN_MAX = 8


@dataclass(frozen=True, slots=True)
class Known:
    """Names to complete with: conversations and people in view, newest first."""

    names: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Completion:
    """The word before the cursor begins at `start`; it may become any of `words`. `usage` is that
    of the command being typed."""

    start: int = 0
    words: tuple[str, ...] = ()
    usage: str = ""

    @property
    def shared(self) -> str:
        """What all words begin with; of a single one all of it, with the blank behind it."""
        if len(self.words) == 1:
            return self.words[0] if self.words[0] in OPEN else f"{self.words[0]} "
        first, last = min(self.words), max(self.words)
        same = [a == b for a, b in zip(first, last, strict=False)]
        return first[: same.index(False) if False in same else len(same)]

    @property
    def shown(self) -> str:
        """The words, as many as there is room for."""
        more = " …" if len(self.words) > _SHOWN_MAX else ""
        return " ".join(self.words[:_SHOWN_MAX]) + more


def complete(line: str, known: Known) -> Completion:
    """The completion at the end of `line`."""
    start = max(line.rfind(" "), line.rfind("\t")) + 1
    word = line[start:]
    is_command = line.startswith("/") and not line.startswith("//")
    if is_command and start == 0:
        names = tuple(f"/{row.name}" for row in ROWS)
        return Completion(0, _beginning(word, names), _usage(word))
    row = BY_NAME.get(line[1:].partition(" ")[0]) if is_command else None
    usage = f"{row.usage}   {row.help}" if row else ""
    return Completion(start, _beginning(word, _candidates(word, row, known)), usage)


def _usage(word: str) -> str:
    row = BY_NAME.get(word[1:])
    return f"{row.usage}   {row.help}" if row else ""


def _beginning(word: str, candidates: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for each in candidates if each.startswith(word)))


def _candidates(word: str, row: Row | None, known: Known) -> list[str]:
    kinds: list[Kind] = [arg.kind for arg in row.args] if row else []
    choices = [each for kind in kinds for each in kind.words]
    if row is not None and row.name == "theme":
        choices = [*known.themes]
    if row is not None and row.name == "search":
        choices = [*OPEN, "money"]
    if word[:1] in ("@", "#"):
        return [name for name in known.names if name[0] == word[0]]
    if word[:1] == ":" and len(word) > 1:
        return [f":{name}:" for name in emoji.COMMON]
    if word or (row and len(choices) > 1):
        return choices
    return []
