"""What was measured on one machine: the model's only knowledge of Teller."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from bench.errors import BenchError

REFERENCE = Path(str(files("bench") / "costs.json"))
"""What the last quiet run of ``teller bench model --measure`` found."""


@dataclass(frozen=True)
class Point:
    """What was seen at one rate, in open loop; CPU is µs per message, latencies are ms."""

    share: int
    """Per cent of the capacity."""
    rate: float
    """Messages a second that were acknowledged."""
    batch: float
    """Messages in a call, on average."""
    hub: float
    store: float
    p50: float
    """From the intended send to the ack."""
    p99: float


@dataclass(frozen=True)
class Memory:
    """Bytes that are taken, each for one."""

    hub_connection: float
    """A silent connection, in the hub."""
    kernel_connection: float
    """The same in the kernel, both ends of the socket, which were on one machine."""
    account: float
    """In the store: record, token, an empty mailbox."""
    message: float
    """In the store: its place in both mailboxes."""
    mark: float
    """In the store: its duplicate mark, kept for 7 days."""
    payment: float
    """In the store: both mailboxes and the mark, which is kept for ever."""
    message_log: float
    """Appended to the store's file."""
    payment_log: float


@dataclass(frozen=True)
class Costs:
    """All that was measured. CPU is µs. `sources` says of a figure where it is from."""

    machine: dict[str, Any]
    hub_message: float
    """Of the hub, for a message at half of the capacity: each has a read and two writes of its
    own, as with people, and calls are small."""
    hub_payment: float
    store_message: float
    """Of a busy store, for a message that is alone in its call, as from many hubs."""
    store_payment: float
    store_full: float
    """The same of a message in a full call, as from one hub under all load."""
    copy: float
    """Of the hub, for one copy of a room's message."""
    connect: float
    """Of the hub, for one that logs in with a token."""
    idle: float
    """Share of a core that one silent connection takes, its pings included."""
    memory: Memory
    sync: list[float]
    """Milliseconds that the disk takes to make an append durable: 101 percentiles, 0 to 100."""
    capacity: float
    """Messages a second, with p99 ≤ 50 ms: hub and store on one core."""
    points: list[Point]
    hop: float = 2.0
    """What a post between two partitions costs the store, in posts within one."""
    relay: float = 10.0
    """To reach a recipient on another hub."""
    sources: dict[str, str] = field(default_factory=dict)


def write_costs(costs: Costs, path: Path) -> None:
    """Write them as JSON.

    Raises:
        OSError: if the file cannot be written.
    """
    path.write_bytes(msgspec.json.format(msgspec.json.encode(costs), indent=2) + b"\n")


def read_costs(path: Path) -> Costs:
    """Read what `write_costs` wrote.

    Raises:
        BenchError: if there is no such file, or it is not such a file, with what is wrong.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Costs)
    except OSError as error:
        raise BenchError(f"{path}: {error.strerror}; --measure makes one") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BenchError(f"{path} holds no costs: {error}") from error
