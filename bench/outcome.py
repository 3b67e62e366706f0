"""What a scenario found."""

from __future__ import annotations

from dataclasses import dataclass, field

from .report import Row


@dataclass
class Outcome:
    """The rows of a scenario, and whether its correctness gate held."""

    rows: list[Row] = field(default_factory=list)
    held: bool = True

    def __iadd__(self, other: Outcome) -> Outcome:
        self.rows += other.rows
        self.held &= other.held
        return self


def books_balance(before: dict[str, int], after: dict[str, int]) -> bool:
    """Whether no money was made or lost between the accounts, and none is below zero."""
    return after["sum"] == before["sum"] and after["least"] >= 0
