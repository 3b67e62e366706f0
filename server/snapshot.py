"""Where an account's boxes stand, and what a returning client missed of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from protocol.errors import Code
from protocol.frames import BoxState, Entry

from .ledger.entries import read_call, read_entries
from .ledger.records import Record, parse_record
from .store.connection import Command, Lost, Refused

if TYPE_CHECKING:
    from .services import Services

GAP_MAX = 500
"""Most missed entries of one box that are sent at once; the client fetches the rest."""
GAP_MAX_TOTAL = 2_000
"""The same over all boxes."""
GAP_BYTES_MAX = 1024 * 1024
"""The same in bytes as stored, shared out over the boxes with a cursor: the size of an outbox."""
GAP_BYTES_MIN = 4 * 1024
"""What each of them gets at least."""


@dataclass
class Snapshot:
    """An account as of one moment between two posts."""

    record: Record
    boxes: dict[str, BoxState] = field(default_factory=dict)
    seqs: dict[str, int] = field(default_factory=dict)
    missed: list[Entry] = field(default_factory=list)


def read_snapshot(
    services: Services,
    name: str,
    cursors: dict[str, int],
    enter: Callable[[Snapshot], None],
    fail: Callable[[Code], None],
) -> None:
    """Read the state of `name`; `enter` is called in the same step as the last reply.

    First the rooms and the length of the boxes with a cursor, to bound what is read; then
    everything at once. If the rooms changed in between, again.

    Raises:
        Down: there is no store; nothing was asked.
    """
    named = [box for box in cursors if box[0] in "@#"]
    of = services.keyspace.of
    commands: list[Command] = [("SMEMBERS", of(name).joined)]
    commands += [("LLEN", of(box).box) for box in named]

    def take(replies: list[object]) -> None:
        if any(isinstance(reply, (Lost, Refused)) for reply in replies):
            fail(Code.UNAVAILABLE)
            return
        rooms = _names(replies[0])
        lengths = dict(zip(named, replies[1:], strict=True))
        starts = _starts(name, rooms, cursors, lengths)  # type: ignore[arg-type]
        _read_boxes(services, name, rooms, cursors, starts, enter, fail)

    services.pipeline.read(commands, take)


def _names(reply: object) -> set[str]:
    assert isinstance(reply, (list, set))
    return {one.decode() for one in reply}


def _starts(
    name: str, rooms: set[str], cursors: dict[str, int], lengths: dict[str, int]
) -> dict[str, int]:
    """After which seq each box with a cursor is read: the cursor, or later if the gap is long."""
    budget = GAP_MAX_TOTAL
    starts = {}
    for box, cursor in cursors.items():
        if box != name and box not in rooms:
            continue
        gap = max(0, lengths[box] - cursor)
        sent = min(gap, GAP_MAX, budget)
        budget -= sent
        starts[box] = lengths[box] - sent if cursor <= lengths[box] else lengths[box]
    return starts


def _read_boxes(
    services: Services,
    name: str,
    rooms: set[str],
    cursors: dict[str, int],
    starts: dict[str, int],
    enter: Callable[[Snapshot], None],
    fail: Callable[[Code], None],
) -> None:
    own = services.keyspace.of(name)
    boxes = [name, *sorted(rooms)]
    commands: list[Command] = [("GET", own.record), ("SMEMBERS", own.joined)]
    budget = max(GAP_BYTES_MIN, GAP_BYTES_MAX // max(1, len(starts)))
    for box in boxes:
        key = services.keyspace.of(box).box
        commands.append(read_call(key, starts[box], -1, budget) if box in starts else ("LLEN", key))

    def take(replies: list[object]) -> None:
        if any(isinstance(reply, (Lost, Refused)) for reply in replies):
            fail(Code.UNAVAILABLE)
        elif not isinstance(replies[0], bytes):
            fail(Code.TOKEN_INVALID)
        elif _names(replies[1]) != rooms:
            read_snapshot(services, name, cursors, enter, fail)
        else:
            snapshot = Snapshot(parse_record(replies[0]))
            for box, reply in zip(boxes, replies[2:], strict=True):
                _add_box(snapshot, box, reply, cursors.get(box), starts.get(box), services.epoch)
            enter(snapshot)

    services.pipeline.read(commands, take)


def _add_box(
    snapshot: Snapshot,
    box: str,
    reply: object,
    cursor: int | None,
    start: int | None,
    epoch: int,
) -> None:
    if cursor is None or start is None:
        assert isinstance(reply, int)
        snapshot.seqs[box] = reply
        snapshot.boxes[box] = BoxState(epoch, reply)
        return
    assert isinstance(reply, list)
    seq, missed = read_entries(reply, box)
    snapshot.seqs[box] = seq
    snapshot.missed += missed
    start = seq - len(missed)
    if start == cursor:
        snapshot.boxes[box] = BoxState(epoch, seq)
    else:
        snapshot.boxes[box] = BoxState(epoch, seq, limited=True, first=start + 1)
