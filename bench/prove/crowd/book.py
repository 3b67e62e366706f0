"""What all clients together have seen and were told; whatever breaks a promise is a finding.

Each box is one log for everyone: who first hears of a place in it writes down what stands there,
and everyone after that must hear the same. So the memory taken does not grow with the listeners.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from .ops import Op, Tally

Frame = dict[str, Any]
SENTENCES_MAX = 20
"""Findings of one kind that are told in words; the others are counted."""
_NOT_CONTENT = ("balance",)
"""Fields that only some of those who see an entry get."""


def key_of(frame: Frame) -> str:
    """What names an entry, the same for everyone."""
    return f"{frame['type']} {frame['from']} {frame['id']}"


def content_of(frame: Frame) -> int:
    """A hash of all that everyone sees of an entry."""
    shown = sorted((name, value) for name, value in frame.items() if name not in _NOT_CONTENT)
    return hash(repr(shown))


class Log:
    """What was seen of one box."""

    __slots__ = ("epoch", "past", "places")

    def __init__(self) -> None:
        self.epoch = 0
        """The newest that a welcome told; 0 before the first."""
        self.places: dict[int, tuple[str, int | None]] = {}
        """By seq: key and content, which an ack does not tell. Of the newest epoch."""
        self.past: set[str] = set()
        """Keys of what was seen in earlier epochs."""


class Book:
    """Shared by all clients."""

    def __init__(self) -> None:
        self.logs: dict[str, Log] = {}
        self.rooms: set[str] = set()
        """Rooms that somebody was told are there."""
        self.tally = Tally()
        self.wrong: Counter[str] = Counter()
        """Findings by kind."""
        self.sentences: dict[str, list[str]] = {}
        self.latencies: list[float] = []
        """Seconds from the first sending to the ack, since the last look."""
        self.delays: list[float] = []
        """Seconds from the commit to the live entry, since the last look."""

    def find(self, kind: str, sentence: str) -> None:
        """Something is wrong."""
        self.wrong[kind] += 1
        told = self.sentences.setdefault(kind, [])
        if len(told) < SENTENCES_MAX:
            told.append(sentence)

    def log(self, box: str) -> Log:
        """What was seen of `box`."""
        log = self.logs.get(box)
        if log is None:
            log = self.logs[box] = Log()
        return log

    def begins(self, box: str, epoch: int) -> None:
        """A welcome told the epoch of `box`: a new one says that the store lost or restored."""
        log = self.log(box)
        if epoch <= log.epoch:
            return
        if log.epoch:
            log.past.update(key for key, _ in log.places.values())
            log.places.clear()
        log.epoch = epoch

    def see(self, who: str, box: str, epoch: int, seq: int, key: str, content: int | None) -> None:
        """`who` was told that `key` stands at `seq` of `box`."""
        log = self.log(box)
        if epoch < log.epoch:
            return
        known = log.places.get(seq)
        if known is None or (known[1] is None and known[0] == key):
            log.places[seq] = (key, content)
        elif known[0] != key:
            self.find("reorders", f"{who} saw {key} as {box} {seq}, others saw {known[0]} there")
        elif content is not None and known[1] != content:
            self.find("forks", f"{who} saw other words in {key}, {box} {seq}, than others")

    def refuses(self, op: Op, code: str) -> None:
        """The last copy of `op` was refused for good."""
        op.refused = code

    def again(self, code: str) -> None:
        """An answer said "send it again"."""
        self.tally.again[code] = self.tally.again.get(code, 0) + 1
