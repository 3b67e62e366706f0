"""What is asked of other partitions before a post, so that most refusals come at once."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from .keys import NAMES_CACHED, AccountKeys
from .records import CLOSED, FROZEN, SUSPENDED
from .status import Status


class Question(IntEnum):
    """What a `Lookup` asks."""

    THERE = 0
    """Is there such an account or room?"""
    FROZEN = 1
    """Is the account frozen, suspended or closed?"""
    MEMBER = 2
    """Is somebody a member? If an entry is `checked`, not a marker, also: may they write?"""
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
    key: bytes
    """Names what is asked; the same question has the same key."""
    most: int = 0

    def judge(self, answer: object) -> int:
        """The hint for the post: 0 if nothing in `answer` stands in its way.

        What cannot be judged (a key of a wrong type) is left to the arrival.
        """
        if self.question is Question.THERE:
            return self.hint if answer == b"" else 0
        if self.question is Question.FROZEN:
            return _barred(answer[0]) if isinstance(answer, bytes) and answer else 0
        if self.question is Question.MEMBER:
            if self.checked and isinstance(answer, bytes) and answer.startswith(b"reader"):
                return Status.READ_ONLY
            return self.hint if answer is None else 0
        return self.hint if isinstance(answer, int) and answer >= self.most else 0


def _barred(flags: int) -> int:
    """Why an account with these flags cannot be paid; 0 if it can."""
    if flags & CLOSED:
        return Status.ACCOUNT_CLOSED
    if flags & SUSPENDED:
        return Status.SUSPENDED
    return Status.PARTY_FROZEN if flags & FROZEN else 0


def hint_of(lookups: tuple[Lookup, ...], answers: list[object]) -> int:
    """The hint for a post, from the answers to all its lookups: the first in precedence."""
    found = (one.judge(answer) for one, answer in zip(lookups, answers, strict=True))
    return min((hint for hint in found if hint), default=0)


@lru_cache(maxsize=NAMES_CACHED)
def is_there(party: AccountKeys) -> tuple[Lookup, ...]:
    """What words to a person elsewhere need."""
    return (_there(party, Status.UNKNOWN_ACCOUNT, True),)


@lru_cache(maxsize=NAMES_CACHED)
def may_be_paid(party: AccountKeys) -> tuple[Lookup, ...]:
    """What money to a person elsewhere needs."""
    question, hint = Question.FROZEN, Status.PARTY_FROZEN
    frozen = Lookup(party.partition, _flags(party), hint, question, True, b"1" + party.record)
    return (*is_there(party), frozen)


def is_member(room: AccountKeys, who: str, checked: bool) -> tuple[Lookup, ...]:
    """What is needed for a post of `who` for a room elsewhere."""
    command = ("HGET", room.members, who)
    key = b"2%b:%b" % (room.members, who.encode())
    question, hint = Question.MEMBER, Status.NOT_A_MEMBER
    member = Lookup(room.partition, command, hint, question, checked, key)
    return _there(room, Status.UNKNOWN_ROOM, checked), member


def has_place(account: AccountKeys, most: int) -> tuple[Lookup, ...]:
    """What is needed for an account elsewhere to join one more room; it may be in `most`."""
    command = ("SCARD", account.joined)
    question, hint, key = Question.ROOMS, Status.LIMIT_EXCEEDED, b"3" + account.joined
    return (Lookup(account.partition, command, hint, question, False, key, most),)


def _there(party: AccountKeys, unknown: Status, checked: bool) -> Lookup:
    question, key = Question.THERE, b"0" + party.record
    return Lookup(party.partition, _flags(party), unknown, question, checked, key)


def _flags(party: AccountKeys) -> tuple[bytes | str | int, ...]:
    return ("GETRANGE", party.record, 0, 0)
