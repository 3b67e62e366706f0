"""Contenders take turns, in a new random order each round."""

from __future__ import annotations

import random
from typing import Any, Protocol

from .errors import BenchError
from .rounds import Contender
from .systems import TELLER

REPEATS_MAX = 2
"""How often a void round is tried again."""


class Watch(Protocol):
    """Whom rounds are told to."""

    stopping: bool
    """Whether to begin no other round."""

    def advance(self, name: str) -> None:
        """A round of `name` begins."""

    def say(self, words: str) -> None:
        """Something is odd or wrong."""

    def void(self, words: str) -> None:
        """A round does not count, and why."""

    def skip(self, name: str, reason: str) -> None:
        """A system is left out from here on."""


def interleave(
    contenders: list[Contender], plan: dict[str, Any], rounds: int, watch: Watch
) -> bool:
    """Play all rounds, each in a new random order; returns whether Teller's gate held throughout.

    A void round is repeated up to `REPEATS_MAX` times. A peer that loses something has a void
    round; one that breaks, or does nothing right, is left out. When `watch` is stopping, what was
    played so far stands.

    Raises:
        BenchError: if Teller itself could not be driven.
    """
    held = True
    for number in range(1, rounds + 1):
        for contender in random.sample(contenders, len(contenders)):
            if watch.stopping:
                break
            if not contender.broken:
                watch.advance(contender.name)
                held &= _settle(contender, plan, f"round {number}, {contender.name}", watch)
    for contender in contenders:
        _conclude(contender, watch)
    return held


def _settle(contender: Contender, plan: dict[str, Any], where: str, watch: Watch) -> bool:
    """One round that counts, if it can be had; whether the gate of our own system held."""
    ours = contender.system.name == TELLER
    for _ in range(1 + REPEATS_MAX):
        try:
            one = contender.play(plan)
        except BenchError as error:
            if ours:
                raise
            contender.broken = True
            watch.skip(contender.system.name, f"{contender.scenario}: {error}")
            return True
        if one.void:
            watch.void(f"{where}: {one.why_void}")
        if ours and (one.wrong or (one.refused and not one.overload)):
            contender.rounds.append(one)
            return False
        if not one.void or watch.stopping:
            break
    contender.rounds.append(one)
    if one.wrong and not contender.valid:
        contender.broken = True
        watch.skip(contender.system.name, f"{contender.scenario}: WRONG each time: {one.wrong}")
    return True


def _conclude(contender: Contender, watch: Watch) -> None:
    """Say what must be known of the rounds. Where every one is void, those count whose only fault
    is stolen time."""
    if not contender.valid and contender.rounds:
        for one in contender.rounds:
            one.excused = True
        stolen = "time was stolen in every round; they count all the same"
        watch.say(f"{contender.name}: {stolen if contender.valid else 'no round counts'}")
    if limited := sum(one.limited for one in contender.valid):
        words = f"the generator was the limit in {limited} of {len(contender.valid)} rounds"
        watch.say(f"{contender.name}: {words}; the system could do more")
