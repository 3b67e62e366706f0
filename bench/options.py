"""How to load a system, and how often: the options that all scenarios share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from .errors import BenchError

ROUNDS_MIN = 3
"""Below this a median says little."""


@dataclass(frozen=True)
class Load:
    """How to load a system, and how often. The command line's options, without the output's."""

    rate: float | None = None
    """Operations per second of all senders together (open loop). Without it: closed loop."""
    half: bool = False
    """After the closed loop, also an open loop at half of the rate that each reached."""
    window: int = 8
    """Operations in flight per sender, in closed loop."""
    seconds: float = 3.0
    """Length of a round."""
    warm_up: float = 1.0
    """Seconds of load before each round, which do not count."""
    rounds: int = 3
    """Rounds of each contender, in random order."""
    codec: Literal["json", "msgpack"] = "json"
    """The encoding."""
    durability: Literal["disk", "everysec", "memory"] = "disk"
    """When the store syncs: before every ack, once a second, or never."""
    size: int = 100
    """Bytes of text in a message."""
    beside: Literal["relay"] | None = None
    """Another system to measure in the same rounds: the plain relay of forty lines."""
    url: str | None = None
    """Measure the hub that runs at ws://host:port/ws; without it one is started."""
    data: str | None = None
    """Where to make the data directory; its disk is what syncs."""

    def check(self) -> None:
        """Whether the options make sense together.

        Raises:
            BenchError: if not.
        """
        if self.rounds < ROUNDS_MIN:
            raise BenchError(f"--rounds must be at least {ROUNDS_MIN}")
        if self.half and self.rate:
            raise BenchError("--half finds its own rate; leave --rate out")
        if self.beside and self.codec != "json":
            raise BenchError("the plain relay speaks JSON; leave --codec out")

    @property
    def plan(self) -> dict[str, Any]:
        """What is the same in all windows."""
        how = {"rate": self.rate, "depth": self.window}
        return {**how, "seconds": self.seconds, "warm_up": self.warm_up}
