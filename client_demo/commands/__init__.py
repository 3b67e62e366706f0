"""What people type. Pure: nothing here sends anything.

`table` has one row per command; `parsing`, `completion`, the palette, the help and the line mode
all come from it.
"""

from .arguments import CommandError
from .context import Context
from .parsing import Command, parse
from .table import ROWS, Row

__all__ = ["ROWS", "Command", "CommandError", "Context", "Row", "parse"]
