"""Who sends what to whom: kinds by weight, receivers by a distribution, frames built beforehand."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from .dialects.base import BLANK, ID_DIGITS, Dialect
from .wire import masked

ROOM = -1
"""Stands for the room, where else the receiver's number is."""
DRAWS = 1 << 16
"""Receivers drawn beforehand; then they come round again."""
ZIPF_EXPONENT = 0.99
"""YCSB's (Cooper et al., 2010): the first of 100 receives 19 % of everything."""
MERCHANT = 0
"""Who receives everything where `to` is hot. It sends nothing."""


class Route(NamedTuple):
    """A kind of operation from one connection to another, or to the room."""

    kind: str
    sender: int
    to: int


class Router:
    """Picks a route for every operation, and knows the frames of each."""

    def __init__(
        self,
        dialect: Dialect,
        names: Sequence[str],
        room: str,
        kinds: dict[str, int],
        to: str,
        size: int,
        seed: int,
    ) -> None:
        """`to` is pair, room, uniform, zipf or hot.

        Raises:
            ValueError: if there are too few connections for it, or an odd number for pairs.
        """
        if len(names) < 2 or (to == "pair" and len(names) % 2):
            raise ValueError(f"{len(names)} connections are not enough, or an odd number of them")
        if to == "room":
            kinds = {"room" if kind == "message" else kind: n for kind, n in kinds.items()}
        self.kinds = frozenset(kinds)
        self.chaser = b"" if dialect.chaser is None else masked(dialect.opcode, dialect.chaser)
        """What follows the operations of each write."""
        self.routes: list[Route] = []
        self.frames: list[bytes] = []
        """Per route, a bytes format: ``frame % op`` is the frame of that operation."""
        self.repeats = 1
        """How often the id stands in a frame."""
        self._dialect, self._names, self._room, self._size = dialect, names, room, size
        self._known: dict[Route, int] = {}
        self._formats: dict[Route, bytes] = {}
        kind = next(iter(kinds))
        by = (dialect.operation(kind, name, names[0], size) for name in names[:2])
        self._signed = len(set(by)) > 1
        self._to = to
        draw = random.Random(seed)
        self._kinds = draw.choices([*kinds], [*kinds.values()], k=DRAWS if len(kinds) > 1 else 1)
        self._receivers = _drawn(draw, to, len(names))
        self._drawn = 0
        self._fixed: dict[int, int] | None = (
            {} if len(kinds) == 1 and to in ("pair", "room") else None
        )

    def picks(self, sender: int, number: int) -> list[int]:
        """Routes of the next `number` operations of `sender`."""
        if self._fixed is None:
            return [self._pick(sender) for _ in range(number)]
        route = self._fixed.get(sender)
        if route is None:
            route = self._fixed[sender] = self._pick(sender)
        return [route] * number

    def copies(self, route: Route) -> int:
        """How many connections are to get an operation of this route."""
        if route.to != ROOM:
            return 1
        return len(self._names) - (0 if self._dialect.echoes_room else 1)

    def _pick(self, sender: int) -> int:
        number = self._drawn
        self._drawn += 1
        kind = self._kinds[number % len(self._kinds)]
        route = Route(kind, sender, ROOM if kind == "room" else self._receiver(sender, number))
        known = self._known.get(route)
        if known is None:
            known = self._known[route] = len(self.routes)
            self.routes.append(route)
            self.frames.append(self._frame(route))
        return known

    def _receiver(self, sender: int, number: int) -> int:
        if self._to in ("pair", "room"):
            partner = sender ^ 1
            return partner if partner < len(self._names) else 0
        to = self._receivers[number % len(self._receivers)]
        return to if to != sender else (to + 1) % len(self._names)

    def _frame(self, route: Route) -> bytes:
        """The format of a route's frames: one for all senders, where it does not name them."""
        alike = route if self._signed else route._replace(sender=ROOM)
        if alike not in self._formats:
            self._formats[alike] = self._format(route)
        return self._formats[alike]

    def _format(self, route: Route) -> bytes:
        dialect, names = self._dialect, self._names
        to = self._room if route.to == ROOM else names[route.to]
        payload = dialect.operation(route.kind, names[route.sender], to, self._size)
        pieces = masked(dialect.opcode, payload).replace(b"%", b"%%").split(BLANK.encode())
        self.repeats = len(pieces) - 1
        if not self.repeats:
            raise ValueError(f"an operation of {dialect.name} has no place for its id")
        return (b"%%0%dd" % ID_DIGITS).join(pieces)


def _drawn(draw: random.Random, to: str, number: int) -> list[int]:
    """Receivers, in the order in which they will be used."""
    if to == "uniform":
        return draw.choices(range(number), k=DRAWS)
    if to == "zipf":
        weights = [1 / (rank + 1) ** ZIPF_EXPONENT for rank in range(number)]
        return draw.choices(range(number), cum_weights=list(accumulate(weights)), k=DRAWS)
    if to in ("pair", "room", "hot"):
        return [MERCHANT]
    raise ValueError(f"nobody knows whom {to!r} means")
