"""One row of the table of commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from .arguments import Arg
from .context import Context

Values: TypeAlias = dict[str, Any]
Frame: TypeAlias = dict[str, Any]
Maker: TypeAlias = Callable[[Values, Context], Frame]


@dataclass(frozen=True, slots=True)
class Row:
    """A command. `frame` makes the frame that does it, without an id. `own`: where no line is
    named, one's own newest of these kinds is meant; without any the newest of others. `screen`:
    only the screen has it."""

    name: str
    args: tuple[Arg, ...]
    help: str
    frame: Maker | None = None
    own: tuple[str, ...] = ()
    screen: bool = False

    @property
    def usage(self) -> str:
        """How to write it."""
        return " ".join((f"/{self.name}", *(arg.usage for arg in self.args)))

    @property
    def is_complete(self) -> bool:
        """Whether the bare name may be enough."""
        return all(arg.optional or arg.here for arg in self.args)
