"""When what is broken: drawn from the seed, one fault at a time, later two at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

LEAD, TAIL = (1.0, 0.04), (2.0, 0.06)
"""Calm at the beginning and at the end: so many seconds at least, and share of the whole."""
LAST = (2.0, 5.0)
"""How long a fault lasts, in seconds."""
CALM = (1.0, 2.5)
"""Between two of them."""
ALONE = 0.55
"""In this share of the time faults come alone."""

STORE = {
    "primary-kill": "a primary is killed, and comes back when its replica has taken over",
    "primary-crash": "a primary is killed, and started again at once",
    "primary-pause": "a primary stands still until its replica has taken over, then goes on",
    "primary-blink": "a primary stands still for less than the cluster's time-out",
    "replica-kill": "a replica is killed, and comes back",
    "power": "a primary and its replica are killed at the same moment, and come back",
    "failover": "a replica takes over in good order",
    "migrate": "partitions move to another primary",
}
"""Faults of the cluster. One at a time: two primaries of three must be there to outvote one."""
HUB = {
    "hub-kill": "a hub is killed, and started again",
    "hub-pause": "a hub stands still, and then goes on",
    "hub-restart": "a hub is stopped in good order, and started again",
    "hub-cut": "nothing is carried between a hub and the store; then all that was held arrives",
    "hub-break": "a hub's connections to the store are reset, and it cannot connect",
    "hub-slow": "a hub's lines to the store are slow",
    "clients-cut": "nothing is carried between clients and a hub; then what was held arrives",
    "clients-break": "clients' connections to a hub are reset, and they cannot connect",
    "clients-slow": "clients' lines to a hub are slow",
    "flap": "a part of all clients hangs up, again and again",
}
"""Faults of hubs, clients and lines."""
KINDS = {**STORE, **HUB}


@dataclass(frozen=True)
class Fault:
    """Something is broken from `at` on, for about `seconds`; both since the load began."""

    kind: str
    at: float
    seconds: float
    draw: int
    """What else is random about it comes from this."""


def plan(
    seed: int,
    seconds: float,
    hubs: int,
    kinds: tuple[str, ...] = tuple(KINDS),
    first: tuple[str, ...] = (),
) -> list[Fault]:
    """The faults of a run, in order of time. `first` come first, and all `kinds` before one of
    them comes again. With a single hub, none come together."""
    rng = Random(f"faults {seed}")
    lead, tail = (max(least, share * seconds) for least, share in (LEAD, TAIL))
    store = _again_and_again(rng, STORE, kinds, first)
    hub = _again_and_again(rng, HUB, kinds, first)
    faults: list[Fault] = []
    at, end = lead, seconds - tail
    turn = 0
    while at < end and (kinds or first):
        both = at > lead + ALONE * (end - lead) and hubs > 1
        chosen = [next(store), next(hub)] if both else [next((store, hub)[turn % 2])]
        turn += 1
        if not any(chosen):
            continue
        lasts = rng.uniform(*LAST)
        over = at
        for kind in filter(None, chosen):
            begins = at + (rng.uniform(0, lasts / 3) if both else 0.0)
            if begins + lasts <= end:
                faults.append(Fault(kind, begins, lasts, rng.getrandbits(32)))
            over = max(over, begins + lasts)
        at = over + rng.uniform(*CALM)
    return sorted(faults, key=lambda fault: fault.at)


def _again_and_again(
    rng: Random, family: dict[str, str], kinds: tuple[str, ...], first: tuple[str, ...]
) -> Iterator[str]:
    """Those of a family in some order, and then again in another one; nothing if there are none."""
    yield from (kind for kind in first if kind in family)
    chosen = [kind for kind in kinds if kind in family]
    while True:
        rng.shuffle(chosen)
        yield from chosen or [""]
