"""What posts and accounts take in the store: memory, and bytes appended to its file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis

from bench.errors import BenchError
from bench.stage import Stand

from .costs import Memory

ACCOUNTS = 1_000
PAIRS = 100
SECONDS = 0.5
"""So short that the store does not rewrite its file meanwhile, which it does from 64 MiB on."""


@dataclass(frozen=True)
class Taken:
    """What the store takes at one moment, in bytes."""

    memory: int
    boxes: int
    """Of the memory, the mailboxes."""
    log: int
    """Its append-only file."""


def memory_of(stand: Stand, accounts: int = ACCOUNTS, pairs: int = PAIRS) -> Memory:
    """What an account, a message and a payment take, each in a phase of its own: so many
    `accounts` are opened, then `pairs` more, an even number, write and pay. Connections are not
    looked at (0).

    Raises:
        BenchError: if the store is not our own, or it rewrote its file meanwhile.
    """
    socket = stand.system.store_socket
    if socket is None:
        raise BenchError("the store of a hub that someone else started cannot be looked into")
    with redis.Redis(unix_socket_path=str(socket), decode_responses=True) as store:
        empty = _taken(store)
        stand.enter(accounts, keep=False)
        opened = _taken(store)
        stand.enter(pairs)
        before = _taken(store)
        messages = _load(stand, "message")
        written = _taken(store)
        payments = _load(stand, "payment")
        paid = _taken(store)
    if not before.log < written.log < paid.log:
        raise BenchError("the store rewrote its file while it was measured; try again")
    boxes = (written.boxes - before.boxes) / messages
    return Memory(
        hub_connection=0,
        kernel_connection=0,
        account=(opened.memory - empty.memory) / accounts,
        message=boxes,
        mark=(written.memory - before.memory) / messages - boxes,
        payment=(paid.memory - written.memory) / payments,
        message_log=(written.log - before.log) / messages,
        payment_log=(paid.log - written.log) / payments,
    )


def _load(stand: Stand, kind: str) -> int:
    """A window of posts; how many were sent, for all of them are stored when it ends."""
    to = "pair" if kind == "message" else "uniform"
    plan = {"kinds": {kind: 1}, "to": to, "depth": 8, "seconds": SECONDS, "warm_up": 0.0}
    answer = stand.generator.call("load", **plan)
    wrong = [f"{name} {number}" for name, number in answer["faults"].items() if number]
    if wrong or answer["errors"] or not answer["sent"]:
        raise BenchError(f"{kind}s for the store's memory: {wrong or answer['errors']}")
    return int(answer["sent"])


def _taken(store: Any) -> Taken:
    boxes = sum(store.memory_usage(key, samples=0) for key in store.scan_iter(_type="list"))
    memory, file = store.info("memory"), store.info("persistence")
    return Taken(memory["used_memory"], boxes, file["aof_current_size"])
