"""Questions about what is stored: history, balance, status."""

from __future__ import annotations

from msgspec import UNSET

from protocol.errors import Code, FrameError
from protocol.frames import (
    Balance,
    BalanceSheet,
    History,
    HistoryPage,
    Status,
    Thread,
    ThreadPage,
)
from protocol.frames import StatusReport as Report

from ..commit.durability import Durable
from ..commit.replies import read_all, values
from ..ledger.notes import LETTERS, field
from ..ledger.posts import Mark
from ..ledger.records import parse_record
from ..ledger.routing import mark_of
from ..peer import Peer
from ..reading.pages import Page, Pages, noted_about, seq_of
from ..services import Services
from ..store.connection import Down
from ..telling.delivery import ack_of
from .paying import pay_for

ENTRIES_PER_TURN = 50
"""So many entries of a page count as one frame more."""
_PLACES = ("before", "after", "at")


def history(services: Services, peer: Peer, frame: History) -> None:
    """A page of one's own box, or of a room one is in.

    Raises:
        FrameError: `malformed`, where it says more than one place to begin.
    """
    named = [name for name in _PLACES if getattr(frame, name) is not UNSET]
    if len(named) > 1:
        raise FrameError(Code.MALFORMED, frame.id, reason=f"either {named[0]} or {named[1]}")
    pages = _pages(services, peer, frame)
    pay_for(services, peer, frame.id, frame.limit // ENTRIES_PER_TURN)

    def answer(page: Page | None) -> None:
        if page is None:
            peer.refuse(Code.UNAVAILABLE, frame.id)
            return
        entries, length, later = page
        if named in ([], ["before"]):
            more = bool(entries) and seq_of(entries[0]) > 1
        else:
            more = bool(entries) and seq_of(entries[-1]) < length
        found = later or UNSET
        peer.send(HistoryPage(frame.id, frame.box, entries, more, found))  # type: ignore[arg-type]

    if frame.after is not UNSET:
        pages.above(frame.after, frame.limit, answer)
    elif frame.at is not UNSET:
        pages.since(frame.at, frame.limit, answer)
    else:
        pages.below(None if frame.before is UNSET else frame.before, frame.limit, answer)


def thread(services: Services, peer: Peer, frame: Thread) -> None:
    """What was said about an entry of one's own box, or of a room one is in."""
    pages = _pages(services, peer, frame)
    pay_for(services, peer, frame.id, frame.limit // ENTRIES_PER_TURN)
    box, after = services.keyspace.of(frame.box), 0 if frame.after is UNSET else frame.after
    fields = [field(letter, frame.ref.from_, frame.ref.id) for letter in LETTERS]

    def noted(replies: dict[int, list[object]] | None) -> None:
        found = None if replies is None else replies[box.partition][0]
        if not isinstance(found, list):
            peer.refuse(Code.UNAVAILABLE, frame.id)
            return
        seqs = noted_about(found, after)
        pages.among(seqs[: frame.limit], lambda page: answer(page, seqs))

    def answer(page: Page | None, seqs: list[int]) -> None:
        if page is None:
            peer.refuse(Code.UNAVAILABLE, frame.id)
            return
        more = bool(page.entries) and seq_of(page.entries[-1]) < seqs[-1]
        later = page.later or UNSET
        peer.send(ThreadPage(frame.id, frame.box, page.entries, more, later))  # type: ignore[arg-type]

    read_all(services, {box.partition: [("HMGET", box.refs, *fields)]}, noted)


def _pages(services: Services, peer: Peer, frame: History | Thread) -> Pages:
    """Pages of the box that `frame` names, if the peer may read it."""
    party = peer.party
    if party is None or (frame.box != peer.handle and frame.box not in party.rooms):
        code = Code.NOT_A_MEMBER if frame.box[0] == "#" else Code.FORBIDDEN
        raise FrameError(code, frame.id)
    return Pages(services, peer.keys, frame.box)


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
