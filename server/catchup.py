"""After a lost store connection: announce what was committed but never announced.

The hub knows the last seq it announced of every box that somebody listens to. It reads what lies
behind, before any new post is sent, and tells it to everyone; so a crash of the store leaves no
hole in anybody's stream. Rooms that were joined or left meanwhile are put right as well.
"""

from __future__ import annotations

from .hub import Hub, Party, Room, tell
from .ledger.entries import read_entry
from .ledger.keys import keys_of
from .pipeline import Pipeline
from .store.connection import Command, Lost, Refused

BOXES_PER_READ = 500


def catch_up(hub: Hub, pipeline: Pipeline) -> None:
    """Read and announce what every connected box missed. Call it as soon as the store is back.

    Raises:
        Down: if the store is gone again; the next connection catches up.
    """
    parties = list(hub.parties.values())
    for start in range(0, len(parties), BOXES_PER_READ):
        _rooms_of(hub, pipeline, parties[start : start + BOXES_PER_READ])
    boxes = list(hub.boxes())
    for start in range(0, len(boxes), BOXES_PER_READ):
        _entries_of(pipeline, boxes[start : start + BOXES_PER_READ])


def _rooms_of(hub: Hub, pipeline: Pipeline, parties: list[Party]) -> None:
    commands: list[Command] = [("SMEMBERS", keys_of(party.name).joined) for party in parties]

    def take(replies: list[object]) -> None:
        for party, reply in zip(parties, replies, strict=True):
            if not isinstance(reply, (list, set)) or not party.listeners:
                continue
            names = {name.decode() for name in reply}
            for name in names - party.rooms:
                hub.join(party, name, 0)
            for name in party.rooms - names:
                hub.leave(party, name)

    pipeline.read(commands, take)


def _entries_of(pipeline: Pipeline, boxes: list[Party | Room]) -> None:
    seqs = [box.seq for box in boxes]
    commands: list[Command] = [
        ("LRANGE", keys_of(box.name).box, seq, -1) for box, seq in zip(boxes, seqs, strict=True)
    ]

    def take(replies: list[object]) -> None:
        for box, seq, reply in zip(boxes, seqs, replies, strict=True):
            if isinstance(reply, (Lost, Refused)) or not isinstance(reply, list):
                continue
            for place, stored in enumerate(reply, seq + 1):
                _announce(box, place, stored)

    pipeline.read(commands, take)


def _announce(box: Party | Room, seq: int, stored: bytes) -> None:
    entry = read_entry(stored, box.name, seq)
    box.seq = seq
    if isinstance(box, Party):
        tell(box.listeners, entry)
        return
    for listeners in box.audience.values():
        tell(listeners, entry)
