"""Where a command is typed: what is in view, and which line it means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..conversation import Line
from .arguments import CommandError

SPOKEN = ("message", "payment", "forward", "deposit")
"""Kinds of lines that somebody said or paid; the others are notes."""
ANY = ("any",)
"""In place of kinds of one's own: the newest line is meant, whoever said it."""


def _nothing(_: str) -> Sequence[Line]:
    return ()


@dataclass(frozen=True, slots=True)
class Context:
    """`here` is the conversation in view, `selected` the line chosen there, by sender and id;
    `lines` are those of a conversation, oldest first. `currency` is what a payment means that
    names none."""

    here: str | None = None
    currency: str | None = None
    me: str = ""
    lines: Callable[[str], Sequence[Line]] = _nothing
    selected: tuple[str, str] | None = None

    def line(self, place: str, seq: int | None, own: tuple[str, ...]) -> Line:
        """The line that is meant: number `seq`; or that selected; or the newest: one's own of the
        kinds `own`; or if there are no kinds that of another, or else one's own, as in notes.

        Raises:
            CommandError: if there is no such line.
        """
        spoken = [line for line in self.lines(place) if line.kind in SPOKEN and line.seq]
        if seq is not None:
            found = [line for line in spoken if line.seq == seq]
        elif self.selected is not None:
            found = [line for line in spoken if line.key == self.selected]
        else:
            found = self._newest([line for line in spoken if not line.gone], own)
        if not found:
            number = "" if seq is None else f" ^{seq}"
            raise CommandError(f"there is no such line{number} in {place}; see /history")
        return found[-1]

    def _newest(self, lines: list[Line], own: tuple[str, ...]) -> list[Line]:
        if own == ANY:
            return lines
        if own:
            return [line for line in lines if line.sender == self.me and line.kind in own]
        return [line for line in lines if line.sender != self.me] or lines
