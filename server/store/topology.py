"""Who serves which slots of a cluster, as its nodes tell it.

Nodes learn of changes by gossip, so their answers may differ for a while. Of two claims to a slot
the one with the greater configuration epoch counts: the rule of the cluster itself (Valkey's
cluster specification, "configuration epoch").
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from .connection import Refused, Wire
from .endpoint import Endpoint

MOVED, ASK = "MOVED", "ASK"


@dataclass(frozen=True)
class Claim:
    """A primary's claim to slots, with `first` and `last` among them."""

    first: int
    last: int
    epoch: int
    primary: Endpoint


@dataclass
class View:
    """What some nodes told."""

    claims: list[Claim] = field(default_factory=list)
    nodes: set[Endpoint] = field(default_factory=set)
    """All that were named, replicas too."""

    def primary_of(self, slot: int) -> Endpoint | None:
        """The node that serves `slot`, None if nobody claims it."""
        claims = [claim for claim in self.claims if claim.first <= slot <= claim.last]
        return max(claims, key=lambda claim: claim.epoch).primary if claims else None

    def primaries(self) -> list[Endpoint]:
        """The nodes that serve slots, in the order of their first one."""
        firsts = sorted({claim.first for claim in self.claims})
        found = dict.fromkeys(self.primary_of(first) for first in firsts)
        return [one for one in found if one is not None]

    @classmethod
    def merged(cls, views: Iterable[View]) -> View:
        """What they tell together."""
        whole = cls()
        for view in views:
            whole.claims += view.claims
            whole.nodes |= view.nodes
        return whole


async def look(wire: Wire) -> View:
    """What the node behind `wire` tells.

    Raises:
        Lost: if it hangs up.
        Refused: if it is no node of a cluster, or the user may not ask.
    """
    ranges, table = await asyncio.gather(
        wire.request("CLUSTER", "SLOTS"), wire.request("CLUSTER", "NODES")
    )
    assert isinstance(ranges, list)
    assert isinstance(table, bytes)
    epochs = _epochs(table)
    view = View()
    for first, last, primary, *replicas in ranges:
        at = _endpoint(primary, wire.endpoint)
        view.claims.append(Claim(first, last, epochs.get(primary[2], 0), at))
        view.nodes |= {at, *(_endpoint(node, wire.endpoint) for node in replicas)}
    return view


def _epochs(table: bytes) -> dict[bytes, int]:
    """Id and configuration epoch of each line of ``CLUSTER NODES``."""
    lines = (line.split(b" ") for line in table.splitlines())
    return {fields[0]: int(fields[6]) for fields in lines}


def _endpoint(node: list[object], asked: Endpoint) -> Endpoint:
    """Where a node of ``CLUSTER SLOTS`` is: host, port, id, more hosts."""
    host, port, *rest = node
    assert isinstance(port, int)
    if host == b"?":  # a name was to be told, but it has none
        host = _more(rest).get(b"ip")
    return asked.at(host.decode() if isinstance(host, bytes) and host else asked.host, port)


def _more(rest: list[object]) -> dict[object, object]:
    return rest[1] if len(rest) > 1 and isinstance(rest[1], dict) else {}


def redirection(refused: Refused, asked: Endpoint) -> tuple[int, Endpoint]:
    """Slot and node of an answer such as ``MOVED 3999 10.0.0.7:6381``."""
    _, slot, address = str(refused).split(" ")[:3]
    host, _, port = address.rpartition(":")
    return int(slot), asked.at(host if host not in ("", "?") else asked.host, int(port))
