"""A small, safe subset of Markdown: bold, italic, code, quotes. Links stay text, as written.

What others wrote is made harmless first, then only styled: nothing in it can leave its place, open
a page or hide where a link goes. Text that is no markup stays as it is, blanks and breaks included.
"""

from __future__ import annotations

import re

from rich.text import Text

from . import safe

CODE = "bright_white on grey23"
QUOTE = "italic dim"
LINK = "underline bright_blue"
MENTION = "bold bright_cyan"
CALLED = "bold black on bright_yellow"

_URL = r"https?://[^\s<>\"']+"
_NAME = r"(?<![\w@#])[@#][a-z0-9_]{2,32}(?!\w)"
_INLINE = re.compile(
    rf"`(?P<code>[^`\n]+)`"
    rf"|\*\*(?P<bold>(?=\S)[^*\n]+(?<=\S))\*\*"
    rf"|(?<![\w*])\*(?P<star>(?=\S)[^*\n]+(?<=\S))\*(?![\w*])"
    rf"|(?<![\w_])_(?P<under>(?=\S)[^_\n]+(?<=\S))_(?![\w_])"
    rf"|(?P<url>{_URL})|(?P<name>{_NAME})"
)
_STYLES = {"code": CODE, "bold": "bold", "star": "italic", "under": "italic", "url": LINK}
_FENCE = re.compile(r"\s*```[\w+-]*\s*")


def styled(text: str, me: str = "") -> Text:
    """`text` from anybody, with its styles. `me`: whose mention stands out."""
    shown: list[Text] = []
    fenced = False
    for row in safe.lines(text).split("\n"):
        if _FENCE.fullmatch(row):
            fenced = not fenced
        elif fenced:
            shown.append(Text(row, style=CODE))
        elif row.startswith("> "):
            shown.append(Text("│ ", style=QUOTE) + _inline(row[2:], me, QUOTE))
        else:
            shown.append(_inline(row, me))
    return Text("\n").join(shown) if any(shown) else Text(safe.lines(text))


def _inline(row: str, me: str, base: str = "") -> Text:
    text, end = Text(style=base), 0
    for found in _INLINE.finditer(row):
        text.append(row[end : found.start()])
        kind = str(found.lastgroup)
        if kind == "name":
            text.append(found[0], style=CALLED if found[0] in (me, "@all") else MENTION)
        else:
            text.append(found[kind], style=_STYLES[kind])
        end = found.end()
    text.append(row[end:])
    return text
