"""What a run has to tell while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


class Voice(Protocol):
    """Who is told how the run goes."""

    def expect(self, steps: int) -> None:
        """About how many rounds there will be."""

    def advance(self, name: str) -> None:
        """A round of `name` begins."""

    def say(self, words: str) -> None:
        """Something is odd or wrong."""


@dataclass
class Log:
    """What a run has to tell (`bench.rounds.Watch`); keeps what belongs to its results."""

    voice: Voice
    stopping: bool = False
    voids: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    """What a reader of the results must know besides."""
    failed: list[str] = field(default_factory=list)
    """Scenarios that could not be run."""

    def advance(self, name: str) -> None:
        """A round of `name` begins."""
        self.voice.advance(name)

    def say(self, words: str) -> None:
        """Something is odd or wrong."""
        self.remarks.append(words)
        self.voice.say(words)

    def void(self, words: str) -> None:
        """A round does not count, and why."""
        self.voids.append(words)
        self.voice.say(f"void: {words}")

    def skip(self, name: str, reason: str) -> None:
        """Something is left out."""
        self.skipped[name] = f"{self.skipped[name]}; {reason}" if name in self.skipped else reason
        self.voice.say(f"skipped: {name}: {reason}")
