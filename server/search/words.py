"""Words of any language: how texts and questions are cut into terms. Pure.

Alphabets have words. Scripts without blanks between words (Chinese, Japanese, Korean, Thai, Lao,
Khmer, Burmese) have runs, of which every pair of neighbours is a term, as in Lucene's analysis of
them. Emoji are terms of their own. Case, width, accents and skin tones make no difference.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

TEXT_CHARS_INDEXED = 16_384
"""Of a longer text, what comes behind is not found."""
PREFIX_MIN = 3
"""Letters of its beginning that find a word."""
PREFIX_MAX = 10
"""Longer beginnings are looked up by their first letters, and compared with the text itself."""
TERMS_MAX = 32
"""Terms of a question that the index is asked for; all of them are compared with the text."""

_SPELLINGS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
"""Letters that Unicode does not take apart, but that people type as others."""
_UNHEARD = re.compile(
    r"[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a"
    r"\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff"
    r"\u20d0-\u20ff\ufe20-\ufe2f"  # accents, vowel points, keycaps
    r"\u00ad\u200b\u200c\u200e\u200f\u2060\ufeff"  # marks for the printer
    r"\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]"  # how an emoji is to look
    r"|(?<=[\w\u0900-\u0dff])\u200d"  # joins letters; between emoji it means something
)
_RUN = (
    r"\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa"
    r"\u30fc-\u30ff\u3105-\u312f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
    r"\u1100-\u11ff\uac00-\ud7a3\u0e01-\u0e3a\u0e40-\u0e5b\u0e80-\u0eff\u1780-\u17ff\u1000-\u109f"
)
_EMOJI = r"[\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\xa9\xae"
_EMOJI += r"\U0001f000-\U0001f1e5\U0001f200-\U0001faff]"
_MARKS = "".join(
    chr(one) for one in range(0x0900, 0x1A00) if unicodedata.category(chr(one)).startswith("M")
)
"""Vowel signs, which are parts of words: of Indian scripts and their neighbours."""
_SEGMENT = re.compile(
    rf"(?P<run>[{_RUN}]+)"
    rf"|(?P<emoji>{_EMOJI}(?:\u200d{_EMOJI})*|[\U0001f1e6-\U0001f1ff]{{2}})"
    rf"|(?P<word>(?:(?![{_RUN}])[\w{_MARKS}])+)"
)
_WORD = re.compile(r"\w+")


def folded(text: str) -> str:
    """`text` without the differences that a search overlooks."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_SPELLINGS)
    plain = _UNHEARD.sub("", unicodedata.normalize("NFD", plain))
    return unicodedata.normalize("NFC", plain)


def segments(plain: str) -> Iterator[tuple[str, str, int]]:
    """The words, runs and emoji of a folded text: which, what, and where it begins."""
    if plain.isascii():
        for one in _WORD.finditer(plain):
            yield "word", one.group(), one.start()
        return
    for one in _SEGMENT.finditer(plain):
        assert one.lastgroup is not None
        yield one.lastgroup, one.group(), one.start()


@dataclass
class Terms:
    """What a text consists of."""

    words: set[str] = field(default_factory=set)
    runs: set[str] = field(default_factory=set)
    emoji: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, text: str) -> Terms:
        """The terms of the first `TEXT_CHARS_INDEXED` characters."""
        found = cls()
        places = {"word": found.words, "run": found.runs, "emoji": found.emoji}
        for kind, term, _ in segments(folded(text[:TEXT_CHARS_INDEXED])):
            places[kind].add(term)
            if "\u200d" in term:
                places[kind].update(term.split("\u200d"))
        return found

    def keys(self) -> set[str]:
        """Under what an index keeps the text; the first letter says which kind of term it is."""
        keys = {f"w{word}" for word in self.words}
        for word in self.words:
            keys.update(
                f"p{word[:size]}" for size in range(PREFIX_MIN, min(len(word), PREFIX_MAX) + 1)
            )
        for run in self.runs:
            keys.update(_pairs(run))
            keys.update(f"c{char}" for char in run)
        keys.update(f"e{one}" for one in self.emoji)
        return keys


@dataclass
class Query:
    """What a text must hold: all of these."""

    words: set[str] = field(default_factory=set)
    beginning: str = ""
    """Of a word: what was typed last may not be complete."""
    runs: set[str] = field(default_factory=set)
    emoji: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, words: str) -> Query:
        """The query that people mean by `words`; it is false if there is nothing to look for."""
        query = cls()
        places = {"word": query.words, "run": query.runs, "emoji": query.emoji}
        found = list(segments(folded(words)))
        if found and found[-1][0] == "word" and len(found[-1][1]) >= PREFIX_MIN:
            query.beginning = found.pop()[1]
        for kind, term, _ in found:
            places[kind].add(term)
        return query

    def __bool__(self) -> bool:
        return bool(self.words or self.beginning or self.runs or self.emoji)

    def keys(self) -> list[str]:
        """The keys of which a text that fits has every one; long words first, which are rare."""
        keys = {f"w{word}" for word in self.words} | {f"e{one}" for one in self.emoji}
        for run in self.runs:
            keys.update(_pairs(run) or [f"c{run}"])
        if self.beginning:
            keys.add(f"p{self.beginning[:PREFIX_MAX]}")
        return sorted(keys, key=lambda key: (-len(key), key))[:TERMS_MAX]

    def fits(self, terms: Terms) -> bool:
        """Whether a text of these terms holds all of it."""
        return (
            self.words <= terms.words
            and self.emoji <= terms.emoji
            and all(any(run in one for one in terms.runs) for run in self.runs)
            and (not self.beginning or any(one.startswith(self.beginning) for one in terms.words))
        )

    def found(self, kind: str, term: str) -> int:
        """Where in a segment of a text something of this begins; -1: nowhere."""
        if kind == "run":
            places = [place for run in self.runs if (place := term.find(run)) >= 0]
            return min(places, default=-1)
        if kind == "emoji":
            return 0 if not self.emoji.isdisjoint({term, *term.split("\u200d")}) else -1
        here = term in self.words or (self.beginning and term.startswith(self.beginning))
        return 0 if here else -1


def _pairs(run: str) -> list[str]:
    return [f"c{run[place : place + 2]}" for place in range(len(run) - 1)]
