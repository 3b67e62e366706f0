"""What is asked of other partitions before a post, so that most refusals come at once."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from .status import Status


class Question(IntEnum):
    """What a `Lookup` asks."""

    THERE = 0
    """Is there such an account or room?"""
    FROZEN = 1
    MEMBER = 2
    ROOMS = 3
    """Is the account in as many rooms as it may be?"""


class Lookup(NamedTuple):
    """What is asked of another partition before a post is posted, so that most refusals come at
    once instead of on arrival."""

    partition: int
    command: tuple[bytes | str | int, ...]
    hint: Status
    """What the post is told if the answer is no."""
    question: Question
    checked: bool
    """Whether the arrival asks the same again, so that a good answer may be remembered."""
    most: int = 0

    def judge(self, answer: object) -> int:
        """The hint for the post: 0 if nothing in `answer` stands in its way.

        What cannot be judged (a key of a wrong type) is left to the arrival.
        """
        if self.question is Question.THERE:
            return self.hint if answer == b"" else 0
        if self.question is Question.FROZEN:
            return self.hint if isinstance(answer, bytes) and answer and answer[0] & 1 else 0
        if self.question is Question.MEMBER:
            return self.hint if answer is None else 0
        return self.hint if isinstance(answer, int) and answer >= self.most else 0


def hint_of(lookups: tuple[Lookup, ...], answers: list[object]) -> int:
    """The hint for a post, from the answers to all its lookups: the first in precedence."""
    found = (one.judge(answer) for one, answer in zip(lookups, answers, strict=True))
    return min((hint for hint in found if hint), default=0)
