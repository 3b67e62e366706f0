"""After a lost store connection: announce what was committed but never announced.

The hub knows the last seq it announced of every box that somebody listens to. It reads what lies
behind, before any new post is sent, and tells it to everyone; so a crash of the store leaves no
hole in anybody's stream. Joins and leaves among it take effect at their place. Who joined a room
that nobody here listened to is asked to resume: nobody knows where that room's stream began.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from protocol.frames import JoinEntry, LeaveEntry

from .hub import Hub, Party, Room, tell
from .ledger.entries import read_entry
from .ledger.keys import Keyspace
from .pipeline import Pipeline
from .store.connection import Command

BOXES_PER_READ = 500


def catch_up(
    hub: Hub, keyspace: Keyspace, pipeline: Pipeline, posts_lost: Callable[[], None]
) -> None:
    """Read and announce what every connected box missed. Call it as soon as the store is back.

    `posts_lost` is called, perhaps more than once, if a box is shorter than what was announced.

    Raises:
        Down: if the store is gone again; the next connection catches up.
    """
    boxes = list(hub.boxes())
    for start in range(0, len(boxes), BOXES_PER_READ):
        _entries_of(hub, keyspace, pipeline, boxes[start : start + BOXES_PER_READ], posts_lost)
    parties = list(hub.parties.values())
    for start in range(0, len(parties), BOXES_PER_READ):
        _rooms_of(keyspace, pipeline, parties[start : start + BOXES_PER_READ])


def _entries_of(
    hub: Hub,
    keyspace: Keyspace,
    pipeline: Pipeline,
    boxes: list[Party | Room],
    posts_lost: Callable[[], None],
) -> None:
    seqs = [box.seq for box in boxes]
    commands: list[Command] = []
    for box, seq in zip(boxes, seqs, strict=True):
        key = keyspace.of(box.name).box
        commands += [("LLEN", key), ("LRANGE", key, seq, -1)]

    def take(replies: list[object]) -> None:
        lengths, ranges = replies[::2], replies[1::2]
        for box, seq, length, reply in zip(boxes, seqs, lengths, ranges, strict=True):
            if not isinstance(reply, list) or not isinstance(length, int):  # lost or refused
                continue
            if length < seq:
                posts_lost()
                return
            _announce_all(hub, box, seq, reply)

    pipeline.read_ahead(commands, take)


def _announce_all(hub: Hub, box: Party | Room, seq: int, entries: list[bytes]) -> None:
    try:
        for place, stored in enumerate(entries, seq + 1):
            _announce(hub, box, place, stored)
    except ValueError:  # a damaged entry costs its box, not the others
        structlog.get_logger("hub").exception("an entry cannot be announced", box=box.name)
        hub.resync(box.name)


def _announce(hub: Hub, box: Party | Room, seq: int, stored: bytes) -> None:
    entry = read_entry(stored, box.name, seq)
    box.seq = seq
    if isinstance(box, Party):
        tell(box.listeners, entry)
        return
    author = hub.parties.get(entry.from_) if isinstance(entry, JoinEntry | LeaveEntry) else None
    if author is not None and isinstance(entry, JoinEntry):
        hub.join(author, box.name, seq)
    for listeners in box.audience.values():
        tell(listeners, entry)
    if author is not None and isinstance(entry, LeaveEntry):
        hub.leave(author, box.name)


def _rooms_of(keyspace: Keyspace, pipeline: Pipeline, parties: list[Party]) -> None:
    commands: list[Command] = [("SMEMBERS", keyspace.of(party.name).joined) for party in parties]

    def take(replies: list[object]) -> None:
        for party, reply in zip(parties, replies, strict=True):
            if not isinstance(reply, list | set):  # lost or refused
                continue
            if {name.decode() for name in reply} != party.rooms:
                for listener in list(party.listeners):
                    listener.resync()

    pipeline.read_ahead(commands, take)
