"""Who sends what to whom, where no client asks: drawn as the generator's routes are."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import accumulate

from bench.load.routes import DRAWS, MERCHANT, ZIPF_EXPONENT


class Traffic:
    """Operations among `people`: each sends `depth` in turn, by the weights of `kinds`, to whom
    `to` says: ``pair``, ``uniform``, ``zipf`` or ``hot`` (all to the first, who sends nothing)."""

    def __init__(
        self, people: Sequence[str], kinds: Mapping[str, int], to: str, depth: int, seed: int = 1
    ) -> None:
        """Raises `ValueError` where nobody knows whom `to` means."""
        if to not in ("pair", "uniform", "zipf", "hot"):
            raise ValueError(f"nobody knows whom {to!r} means")
        self._people, self._to, self._depth = people, to, depth
        self._senders = [n for n in range(len(people)) if to != "hot" or n != MERCHANT]
        draw, ranks = random.Random(seed), range(len(people))
        self._kinds = draw.choices([*kinds], [*kinds.values()], k=DRAWS) if kinds else []
        weights = [(n + 1) ** -ZIPF_EXPONENT if to == "zipf" else 1.0 for n in ranks]
        self._drawn = (
            draw.choices(ranks, cum_weights=[*accumulate(weights)], k=DRAWS) if ranks else []
        )

    def draw(self, number: int) -> tuple[str, str, str]:
        """Kind, sender and receiver of operation `number`."""
        sender = self._senders[number // self._depth % len(self._senders)]
        to = self._receiver(sender, number)
        return self._kinds[number % DRAWS], self._people[sender], self._people[to]

    def _receiver(self, sender: int, number: int) -> int:
        if self._to == "pair":
            return sender ^ 1
        to = MERCHANT if self._to == "hot" else self._drawn[number % DRAWS]
        return to if to != sender else (to + 1) % len(self._people)
