"""One row of the table of commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from .arguments import Arg
from .context import Context

Values: TypeAlias = dict[str, Any]
Frame: TypeAlias = dict[str, Any]
Maker: TypeAlias = Callable[[Values, Context], Frame | None]


@dataclass(frozen=True, slots=True)
class Row:
    """A command. `frame` makes the frame that does it, without an id. `own`: where no line is
    named, one's own newest of these kinds is meant; with `ANY` the newest of all, without any
    kind the newest of others. `screen`: only the screen has it. `see`: what is said, too, where it
    was written wrongly."""

    name: str
    args: tuple[Arg, ...]
    help: str
    frame: Maker | None = None
    own: tuple[str, ...] = ()
    screen: bool = False
    see: str = ""

    @property
    def usage(self) -> str:
        """How to write it."""
        return " ".join((f"/{self.name}", *(arg.usage for arg in self.args)))

    @property
    def lesson(self) -> str:
        """What to tell whoever wrote it wrongly."""
        return f"write it like: {self.usage}" + (f"; {self.see}" if self.see else "")

    @property
    def is_complete(self) -> bool:
        """Whether the bare name may be enough."""
        return all(arg.optional or arg.here for arg in self.args)
