"""How a run is made: the options of the command line, and the presets of how big it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from .errors import BenchError

ROUNDS_MIN = 3
"""Below this a median says little."""


@dataclass(frozen=True)
class Sizes:
    """How big a run is."""

    rounds: int
    """Rounds of each contender."""
    seconds: float
    """Length of a round, without its warm-up."""
    warm_up: float
    """Seconds of load before each round, which do not count."""
    rooms: tuple[int, ...]
    """Members of the rooms."""
    idle: tuple[int, ...]
    """Connections that do nothing."""
    storm: int
    """Connections of the log-in storm."""
    returning: int
    """Connections that all drop and come back."""
    payloads: tuple[int, ...]
    """Bytes of text."""
    steps: tuple[int, ...]
    """Shares of the capacity, in %, at which latency is measured."""
    soak: tuple[int, float]
    """How many windows the soak takes, and the seconds of each."""
    half: frozenset[str]
    """Scenarios that are also run at half of what they reached."""
    beside: frozenset[str]
    """Scenarios in which peers take part, if they were not asked for by name."""
    left_out: frozenset[str] = frozenset()
    """Scenarios that are not run unless they are named."""
    connections: int = 100
    """Connections of the scenarios that speak in pairs."""
    hall: tuple[int, int] = (10_000, 200)
    """Members of the hall, and how many of them speak."""
    senders: int = 4
    """Members of a room who speak."""
    workers: tuple[int, ...] = (1, 2, 4)
    """Hub processes on one port; the first number is what the others are held against."""
    primaries: tuple[int, ...] = (1, 2, 3)
    """Servers that share the partitions of a cluster; likewise."""
    regions: tuple[str, ...] = ("FRA", "IAD", "SIN")
    """Regions of the world, of those in `world/delays.toml`."""
    cut: float = 30.0
    """Seconds for which two of them are cut off from each other, or one is lost."""


QUICK = Sizes(
    rounds=3,
    seconds=2.0,
    warm_up=0.3,
    rooms=(100,),
    idle=(2_000,),
    storm=1_000,
    returning=1_000,
    payloads=(16, 1_024, 65_536),
    steps=(50, 80),
    soak=(3, 2.0),
    half=frozenset(),
    beside=frozenset({"dm", "room", "pay"}),
    left_out=frozenset(
        {"soak", "hall", "payload", "limits", "world", "workers", "primaries", "relay", "crossing"}
    ),
    cut=3.0,
)
"""A look, in about five minutes."""

DEFAULT = Sizes(
    rounds=5,
    seconds=3.0,
    warm_up=1.0,
    rooms=(10, 100, 1_000),
    idle=(2_000, 15_000),
    storm=5_000,
    returning=10_000,
    payloads=(16, 256, 4_096, 65_536),
    steps=(10, 30, 50, 70, 80, 90),
    soak=(6, 10.0),
    half=frozenset({"dm"}),
    beside=frozenset({"dm", "room", "pay", "idle", "connect"}),
)
"""What to compare two versions with."""

FULL = replace(
    DEFAULT,
    rounds=7,
    rooms=(10, 100, 1_000, 10_000),
    idle=(2_000, 15_000, 50_000),
    storm=10_000,
    payloads=(16, 64, 256, 1_024, 4_096, 16_384, 65_536),
    soak=(10, 60.0),
    half=frozenset({"dm", "room", "pay"}),
    beside=DEFAULT.beside | {"capacity", "payload"},
    regions=("FRA", "IAD", "SIN", "GRU", "SYD"),
)
"""What the aims ask for."""

QUICK_PEERS = ("bare", "ws", "uws", "nats", "postgresql")
"""Peers of a quick run."""


@dataclass(frozen=True)
class Load:
    """How to load a system, and how often; what is left out is the preset's."""

    rate: float | None = None
    """Operations per second of all senders together (open loop), in dm, room and pay. Without it:
    closed loop."""
    half: bool | None = None
    """After the closed loop of dm, room and pay, also an open loop at half of what each reached."""
    window: int = 8
    """Operations in flight per sender, in closed loop."""
    seconds: float | None = None
    """Length of a round; of a window in soak and hall."""
    warm_up: float | None = None
    """Seconds of load before each round, which do not count."""
    rounds: int | None = None
    """Rounds of each contender, in random order; the windows of soak and hall."""
    codec: Literal["json", "msgpack"] = "json"
    """The encoding that clients of Teller speak."""
    durability: Literal["disk", "everysec", "memory"] = "disk"
    """When the store syncs: before every ack, once a second, or never."""
    size: int = 100
    """Bytes of text in a message."""
    connections: int | None = None
    """Connections, wherever a scenario has some; in pairs, so an even number."""
    members: int | None = None
    """Members of the room, instead of the preset's rooms."""
    senders: int | None = None
    """Members of a room who speak."""
    url: str | None = None
    """Measure the hub that runs at ws://host:port/ws; without it one is started."""
    data: str | None = None
    """Where to make the data directory; its disk is what syncs."""
    apart: bool = False
    """Put the store beside the generator, so that the hub has a core for itself."""
    namespaces: bool = False
    """Put each region of the world into a network namespace, with the kernel's own TCP between
    them; needs root."""

    def sizes(self, preset: Sizes) -> Sizes:
        """The preset with what was asked for.

        Raises:
            BenchError: if the options make no sense together.
        """
        given: dict[str, Any] = {}
        for name in ("seconds", "warm_up", "rounds", "connections", "senders"):
            if getattr(self, name) is not None:
                given[name] = getattr(self, name)
        if self.connections is not None:
            given |= {"idle": (self.connections,), "storm": self.connections}
            given |= {"returning": self.connections}
        if self.members is not None:
            given["rooms"] = (self.members,)
        if self.members is not None or self.senders is not None:
            members = self.members or preset.hall[0]
            given["hall"] = members, min(self.senders or preset.hall[1], members)
        if self.rounds is not None or self.seconds is not None:
            windows, seconds = preset.soak
            given["soak"] = self.rounds or windows, self.seconds or seconds
        if self.half is not None:
            given["half"] = frozenset({"dm", "room", "pay"} if self.half else ())
        sizes = replace(preset, **given)
        self._check(sizes)
        return sizes

    def _check(self, sizes: Sizes) -> None:
        if sizes.rounds < ROUNDS_MIN:
            raise BenchError(f"--rounds must be at least {ROUNDS_MIN}")
        if sizes.seconds <= 0 or sizes.warm_up < 0:
            raise BenchError("a round takes some time")
        if self.rate is not None and self.rate <= 0:
            raise BenchError("--rate is how many operations a second, more than none")
        if self.half and self.rate:
            raise BenchError("--half finds its own rate; leave --rate out")
        if sizes.connections < 2 or sizes.connections % 2:
            raise BenchError("pairs need an even number of connections")
        if not 1 <= sizes.senders <= min(sizes.rooms) or min(sizes.rooms) < 2:
            raise BenchError("a room needs two members, and at most all of them can speak")
        if self.url and self.data:
            raise BenchError("--data is for a hub that the bench starts; leave --url out")
