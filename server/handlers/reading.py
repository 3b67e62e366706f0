"""Questions about what is stored: history, balance, status."""

from __future__ import annotations

from msgspec import UNSET

from protocol.errors import Code, FrameError
from protocol.frames import Balance, BalanceSheet, History, HistoryPage, Status
from protocol.frames import StatusReport as Report

from ..delivery import ack_of
from ..durability import Durable
from ..ledger.entries import read_call, read_entries
from ..ledger.posts import Mark
from ..ledger.records import parse_record
from ..ledger.routing import mark_of
from ..peer import Peer
from ..replies import values
from ..services import Services
from ..store.connection import Down

PAGE_BYTES_MAX = 128 * 1024
"""Most that a page holds, as stored, unless one entry alone is larger. Even where JSON escapes
every character it stays below 1 MiB, the most that many WebSocket clients take."""


def history(services: Services, peer: Peer, frame: History) -> None:
    """A page of one's own box, or of a room one is in."""
    party = peer.party
    if party is None or (frame.box != peer.handle and frame.box not in party.rooms):
        code = Code.NOT_A_MEMBER if frame.box[0] == "#" else Code.FORBIDDEN
        raise FrameError(code, frame.id)
    _page(services, peer, frame, None if frame.before is UNSET else frame.before)


def _page(services: Services, peer: Peer, frame: History, before: int | None) -> None:
    """Ask for the entries below `before` (None: below the end)."""
    keys = services.keyspace.of(frame.box)
    if before is None:
        window = (-frame.limit, -1)
    elif before <= 1:
        peer.send(HistoryPage(frame.id, frame.box, [], more=False))
        return
    else:
        window = (max(0, before - 1 - frame.limit), before - 2)

    def answer(replies: list[object]) -> None:
        found = values(peer, frame.id, replies)
        if found is None:
            return
        assert isinstance(found[0], list)
        length, entries = read_entries(found[0], frame.box)
        if before is not None and before > length + 1:
            _page(services, peer, frame, None)
            return
        more = bool(entries) and entries[0].seq > 1  # type: ignore[attr-defined]
        peer.send(HistoryPage(frame.id, frame.box, entries, more))  # type: ignore[arg-type]

    command = read_call(keys.box, *window, PAGE_BYTES_MAX)
    services.pipeline_of(keys.partition).read([command], answer)


def balance(services: Services, peer: Peer, frame: Balance) -> None:
    """One's own balances."""

    def answer(replies: list[object]) -> None:
        found = values(peer, frame.id, replies)
        if found is not None:
            assert isinstance(found[0], bytes)
            record = parse_record(found[0])
            peer.send(BalanceSheet(frame.id, record.balances, record.version))

    services.pipeline_of(peer.keys.partition).read([("GET", peer.keys.record)], answer)


def status(services: Services, peer: Peer, frame: Status) -> None:
    """What became of one's own earlier frame.

    Its mark is where it was posted, which may be any partition, or region: a room's, even one that
    was left.
    """
    marks: list[Mark] = []
    missing = services.keyspace.partitions
    failed = False

    def answer(replies: list[object]) -> None:
        nonlocal missing, failed
        missing -= 1
        try:
            if isinstance(replies[0], bytes):
                marks.append(Mark(replies[0]))
            elif replies[0] is not None:
                failed = True
        except ValueError:  # damaged
            failed = True
        if missing or peer.gone:
            return
        if marks:
            peer.send(_report(frame, marks, services.promise.given))
        elif failed:  # it may be just there
            peer.refuse(Code.UNAVAILABLE, frame.id)
        elif services.world is not None and peer.party is not None:
            services.world.rooms.ask_status(peer, frame)
        else:
            peer.send(Report(frame.id, frame.of, "unknown"))

    for partition, pipeline in enumerate(services.pipelines):
        key = mark_of(services.keyspace, partition, peer.handle, frame.of)
        try:
            pipeline.read([("GET", key)], answer)
        except Down as down:
            answer([down])


def _report(frame: Status, marks: list[Mark], durable: Durable) -> Report:
    """The outcome of the first post under that id, if several partitions know one."""
    mark = min(marks, key=lambda one: one.at)
    return Report(frame.id, frame.of, "stored", ack_of(mark, frame.of, durable, replayed=True))
