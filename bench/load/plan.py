"""What to do in one window, as the parent asks for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(kw_only=True)
class Plan:
    """What to do in one window."""

    first: int
    """The id of its first operation; ids are never used twice."""
    kinds: dict[str, int] = field(default_factory=lambda: {"message": 1})
    """Weights of ``message``, ``payment`` and ``room`` (a message to the room)."""
    to: str = "pair"
    """Who gets them: pair, room, uniform, zipf or hot."""
    size: int = 100
    """Bytes of text."""
    senders: int | None = None
    """The first so many send; all, if not said."""
    seconds: float = 3.0
    warm_up: float = 1.0
    """Seconds of load before, which do not count."""
    depth: int = 1
    """Operations in flight per sender, in closed loop."""
    until: Literal["ack", "delivery", "settled"] = "ack"
    """What ends an operation, so that in closed loop the next one goes out: its acknowledgement;
    its delivery (in a room, one member's); or that the payer hears that the money has arrived,
    which then each operation must have, and else none."""
    rate: float | None = None
    """Operations per second of all senders together: open loop."""
    shape: list[tuple[float, float]] | None = None
    """In open loop, in place of `seconds`: stretches of so many seconds at so many times `rate`."""
    stalled: int = 0
    """The last so many do not read before the window is over, and never send."""
    drain: float = 15.0
    """Seconds that answers may take after the last frame was sent, before they count as lost."""
    pids: dict[str, int] = field(default_factory=dict)
    """Processes whose CPU time to read, by the name of their part."""

    @property
    def stretches(self) -> list[tuple[float, float]]:
        """The whole open loop, its warm-up too, as seconds and factors."""
        return [(self.warm_up, 1.0), *(self.shape or [(self.seconds, 1.0)])]

    @property
    def measured(self) -> float:
        """Seconds that count."""
        return sum(one[0] for one in self.shape) if self.shape and self.rate else self.seconds
