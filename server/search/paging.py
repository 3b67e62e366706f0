"""Where a page of hits ends: at an entry, so that new ones do not move the next page.

Hits are in the order of their times, newest first; at the same time in that of their boxes' names,
and in a box by their seq.
"""

from __future__ import annotations

from typing import NamedTuple


class Mark(NamedTuple):
    """The place of an entry among all that can be found."""

    at: int
    box: str
    seq: int

    @property
    def order(self) -> tuple[int, str, int]:
        """Ascends as hits do."""
        return -self.at, self.box, -self.seq

    def __str__(self) -> str:
        return f"{self.at:x}.{self.seq:x}.{self.box}"

    def below(self, box: str) -> tuple[int, int | None]:
        """What of `box` comes behind this: entries up to a time, and below a seq if that is
        known."""
        if box == self.box:
            return self.at, self.seq
        return (self.at if box > self.box else self.at - 1), None


def parse_mark(text: str) -> Mark:
    """The mark that `text` stands for.

    Raises:
        ValueError: if it is none.
    """
    at, seq, box = text.split(".", 2)
    return Mark(int(at, 16), box, int(seq, 16))
