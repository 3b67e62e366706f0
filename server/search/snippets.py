"""The part of a text around what was looked for. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from .words import TEXT_CHARS_INDEXED, Query, folded, segments

SNIPPET_CHARS = 160
BEFORE_CHARS = 40
"""How much of that stands before the first thing found."""
CUT = "…"
_BLANKS = re.compile(r"\s+")
_folded_one = lru_cache(65_536)(folded)


def snippet(text: str, query: Query) -> str:
    """One line of `text`, from a little before the first of what `query` asks for."""
    place = _first(text, query)
    start, end = _window(text, place)
    line = _BLANKS.sub(" ", text[start:end]).strip()
    return f"{CUT if start else ''}{line}{CUT if end < len(text) else ''}"


def _first(text: str, query: Query) -> int:
    """Where in `text` the first of it begins; 0 if that is hard to tell."""
    if not query:
        return 0
    plain, places = _mapped(text[:TEXT_CHARS_INDEXED])
    for kind, term, start in segments(plain):
        place = query.found(kind, term)
        if place >= 0:
            return places[start + place] if places else start + place
    return 0


def _mapped(text: str) -> tuple[str, list[int]]:
    """`text` folded character by character, and where each of these stood; none: where it stands.

    It can differ from the whole folded at once, where characters only together make one.
    """
    if text.isascii():
        return text.lower(), []
    pieces = [_folded_one(char) for char in text]
    places = [place for place, piece in enumerate(pieces) for _ in piece]
    return "".join(pieces), places


def _window(text: str, place: int) -> tuple[int, int]:
    """From where to where the snippet goes: whole words, if they are not too long."""
    if len(text) <= SNIPPET_CHARS:
        return 0, len(text)
    start = max(0, min(place - BEFORE_CHARS, len(text) - SNIPPET_CHARS))
    end = start + SNIPPET_CHARS
    if start:
        blank = text.find(" ", start, place)
        start = blank + 1 if blank >= 0 else start
    if end < len(text):
        blank = text.rfind(" ", place + 1, end)
        end = blank if blank > start + SNIPPET_CHARS // 2 else end
    return start, end
