"""The help, from the table."""

from __future__ import annotations

from .table import GROUPS, Row

_KEYS = """\
Tab            the next conversation; in a command, completes
Ctrl+N Ctrl+B  next, previous     Ctrl+P  all commands
Ctrl+Up/Down   choose a line that a command is to be about
PgUp PgDn      older, newer       Up Down lines typed before
Ctrl+Q         quit               Esc     choose no line

where: @bob or #room; without it, the one in view
^line: such as ^12; without it, the chosen or the newest
**bold** *italic* `code` > quote   @bob calls, :heart: shows
… sending  ? unknown, asked again  ✓ stored  ✓· delivered
✓✓ read  → on its way  ◌ waits to be accepted  ← came back"""
_LINES = """\
@bob TEXT, #room TEXT   say something
A command about a line needs its place and number: /react #room ^12 :heart:
where: @bob or #room   ^line: such as ^12"""
_COLUMN = 28
_WIDTH = 68
"""Columns that a page has on a screen of 80."""


def screen() -> str:
    """What there is to type on the screen."""
    first = "Type a text and press Enter to send it; //text begins with /"
    return f"{first}\n\n{_KEYS}\n{_groups(True)}"


def plain() -> str:
    """What there is to write in the line mode."""
    return f"{_LINES}\n{_groups(False)}"


def _groups(screen: bool) -> str:
    parts = []
    for group, rows in GROUPS.items():
        shown = [_line(row) for row in rows if screen or not row.screen]
        parts.append(f"\n{group}\n" + "\n".join(shown))
    return "\n".join(parts)


def _line(row: Row) -> str:
    if len(row.usage) < _COLUMN and _COLUMN + len(row.help) <= _WIDTH:
        return f"{row.usage.ljust(_COLUMN)}{row.help}"
    return f"{row.usage}\n    {row.help}"
