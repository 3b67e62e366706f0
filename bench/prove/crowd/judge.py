"""The verdict of the clients: what was promised, held against what is written.

Everything is read through the wire: each box by somebody who may. Then all books are compared: what
each client heard live and on resuming, what it was answered, and what its money must be.
"""

from __future__ import annotations

import asyncio
from binascii import crc32
from collections import Counter
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from .book import Book, Frame, content_of, key_of
from .ops import Op
from .person import Person

AT_ONCE = 24
"""Boxes that are read at the same time."""
LIVE_S = 30.0
"""How long a connected client may miss an entry. A hub compares every box with the store once in
5 s, so that what the channel between hubs lost comes by then; and who hears what once in 20 s."""
TRANSIT_S = 15.0
"""How long money and words may be on their way between partitions, once nothing is broken."""
WORDS = ("message", "read", "delivered")


class Judge:
    """Reads and compares once."""

    def __init__(self, book: Book, people: list[Person], partitions: int, opening: int) -> None:
        self._book = book
        self._people = people
        self._by_name = {one.name: one for one in people}
        self._partitions = partitions
        self._opening = opening
        self.boxes: dict[str, list[Frame]] = {}
        self._stood: dict[str, dict[str, int]] = {}
        """By box: the seq of each key."""
        self.declared: Counter[str] = Counter()
        """What is gone and was said to be, by a new epoch."""
        self._late = 0

    async def run(self) -> None:
        """All of it; findings go to the book.

        Raises:
            TimeoutError: never by itself; the caller bounds it.
        """
        await self._arrivals()
        await self._strays()
        await self._read_all()
        await self._live_streams()
        await self.compare()

    async def compare(self) -> None:
        """Hold what was told against `boxes`, which were read."""
        self._logs()
        for one in self._people:
            for op in one.ops.values():
                self._op(one, op)
            self._order(one)
        await self._money()

    def told(self) -> dict[str, Any]:
        """The verdict, for the parent."""
        ops = [op for one in self._people for op in one.ops.values()]
        epochs = {box: log.epoch for box, log in self._book.logs.items() if log.past}
        return {
            "tally": asdict(self._book.tally),
            "refused": Counter(op.refused for op in ops if op.refused and not op.acked),
            "resolved": sum(op.doubtful and not op.open for op in ops),
            "unresolved": sum(op.open for op in ops),
            "payments": sum(op.kind == "payment" and op.acked for op in ops),
            "states": Counter(op.state + (f", {op.closed}" if op.closed else "") for op in ops),
            "boxes": len(self.boxes),
            "entries": sum(map(len, self.boxes.values())),
            "wrong": dict(self._book.wrong),
            "sentences": self._book.sentences,
            "declared": dict(self.declared),
            "new_epochs": sorted({self._partition(box) for box in epochs}),
            "caught_up_late": self._late,
        }

    # Waiting for what is on its way.

    async def _arrivals(self) -> None:
        """Every payment that was accepted, or waits, must be settled or returned by and by."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + TRANSIT_S
        while self._in_transit() and loop.time() < deadline:  # noqa: ASYNC110 (many conditions)
            await asyncio.sleep(0.1)

    def _in_transit(self) -> bool:
        """Whether somebody still waits for the end of a payment."""
        return any(
            op.state in ("accepted", "waiting") and not op.closed
            for one in self._people
            for op in one.ops.values()
        )

    async def _strays(self) -> None:
        """A refused frame of which another copy never came back may have happened after all."""
        for one in self._people:
            for op in one.ops.values():
                if op.refused and op.adrift:
                    report = await one.ask_on("status", of=op.id)
                    if report["outcome"] == "stored":
                        one.found_done(op, report["ack"])

    # Reading.

    async def _read_all(self) -> None:
        readers = {one.name: one for one in self._people}
        for one in self._people:
            readers |= dict.fromkeys(one.follows, one)
        gate = asyncio.Semaphore(AT_ONCE)

        async def read(box: str, reader: Person) -> None:
            async with gate:
                self.boxes[box] = await _box(reader, box)

        async with asyncio.TaskGroup() as group:
            for box, reader in readers.items():
                group.create_task(read(box, reader))

    async def _live_streams(self) -> None:
        """Whoever is connected must have heard everything, without asking."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + LIVE_S
        behind = self._behind()
        self._late = len(behind)
        while behind and loop.time() < deadline:
            await asyncio.sleep(0.2)
            behind = self._behind()
        for name, box, cursor in behind:
            end = len(self.boxes[box])
            self._book.find("missed live", f"{name} heard {box} up to {cursor}, it ends at {end}")

    def _behind(self) -> list[tuple[str, str, int]]:
        found = []
        for one in self._people:
            for device in one.devices:
                for box, cursor in device.cursors.items():
                    followed = box == one.name or box in one.follows
                    if followed and cursor < len(self.boxes.get(box, ())):
                        found.append((one.name, box, cursor))
        return found

    # Comparing.

    def _logs(self) -> None:
        """Dense, nothing twice, and the same that everyone saw."""
        for box, entries in self.boxes.items():
            stood = self._stood[box] = {}
            log = self._book.log(box)
            for seq, entry in enumerate(entries, 1):
                key = key_of(entry)
                if entry["seq"] != seq:
                    self._book.find("gaps", f"history of {box} has {entry['seq']} at place {seq}")
                if key in stood:
                    self._book.find("doubles", f"{key} stands twice in {box}: {stood[key]}, {seq}")
                stood[key] = seq
                seen = log.places.get(seq)
                if seen is None:
                    continue
                if seen[0] != key:
                    sentence = f"{box} {seq} is {key}, but {seen[0]} was told there"
                    self._book.find("reorders", sentence)
                elif seen[1] is not None and seen[1] != content_of(entry):
                    self._book.find("forks", f"{key} in {box} is not what was told of it")
            beyond = [seq for seq in log.places if seq > len(entries)]
            for seq in beyond:
                self._book.find("lost", f"{log.places[seq][0]} was told as {box} {seq}: not there")
            self.declared["entries"] += len(log.past - stood.keys())

    def _op(self, one: Person, op: Op) -> None:
        """An acknowledged frame stands once wherever it must, a refused one nowhere."""
        key = f"{op.kind} {one.name} {op.id}"
        if op.open:
            self._book.find("unresolved", f"{one.name}: {op.id} has no answer")
            return
        if not op.acked:
            there = [box for box, stood in self._stood.items() if key in stood]
            if there:
                self._book.find("refused but done", f"{key} was refused, and is in {there}")
            return
        if op.box not in self._stood:
            return  # a room that nobody is in any more
        found = self._stood[op.box].get(key)
        if found != op.seq:
            if self._lost(op):
                self.declared["acknowledged"] += 1
                return
            where = "not there" if found is None else f"at {found}"
            self._book.find("lost", f"{key} was acknowledged as {op.box} {op.seq}: {where}")
        elif not self._unsure(op.box):
            self._elsewhere(one, op, key)

    def _elsewhere(self, one: Person, op: Op, key: str) -> None:
        own = self._stood[one.name]
        came_back = f"returned {one.name} {op.id}" in own
        for box in op.others:
            stood = self._stood.get(box)
            if stood is None or (op.kind in ("read", "delivered") and box[0] == "#"):
                continue
            waited = f"returned {one.name} {op.id}" in stood  # and went back from there
            if (key in stood) != (waited or not came_back) and not self._unsure(box):
                state = "there and returned" if came_back else "not there"
                self._book.find(
                    "lost", f"{key}, which is {op.box} {op.seq}, must be in {box}: {state}"
                )
        if op.kind == "payment":
            self._state(one, op, came_back, f"settled {one.name} {op.id}" in own)

    def _state(self, one: Person, op: Op, came_back: bool, settled: bool) -> None:
        """A payment that was accepted, or waits, ends as settled or returned; one that settled at
        once as neither."""
        away = self._partition(one.name) != self._partition(op.frame["to"])
        ends = op.state in ("accepted", "waiting")
        if ends and not (settled or came_back):
            self._book.find("in transit", f"{one.name}: {op.id} is still on its way, or waits")
        elif (op.state == "accepted") != away or (came_back + settled == 1) != ends:
            sentence = f"{one.name}: {op.id} is {op.state}, settled {settled}, returned {came_back}"
            self._book.find("wrong state", sentence)

    def _order(self, one: Person) -> None:
        """What was answered at the first asking stands in the order in which it was sent."""
        for box in sorted({one.name, *one.homes} & self._stood.keys()):
            ways: dict[bool, list[tuple[int, str]]] = {False: [], True: []}
            for op in one.ops.values():
                plain = op.acked and not op.doubtful and op.copies == 1
                seq = self._stood[box].get(f"{op.kind} {one.name} {op.id}")
                if plain and seq is not None:
                    ways[self._carried(op, box)].append((seq, op.id))
            for places in ways.values():
                self._ascending(one, box, places)

    def _carried(self, op: Op, box: str) -> bool:
        """Whether it came into `box` from another partition. What was posted right there takes
        another way, and may be quicker."""
        return box != op.box and self._partition(box) != self._partition(op.box)

    def _ascending(self, one: Person, box: str, places: list[tuple[int, str]]) -> None:
        for (seq, id), (next_seq, next_id) in pairwise(places):
            if next_seq < seq:
                sentence = f"{one.name} sent {id} before {next_id}; in {box} they are "
                self._book.find("reorders", sentence + f"{seq} and {next_seq}")

    # Money.

    async def _money(self) -> None:
        """Every balance is what came in minus what went out, by the clients' own reckoning."""
        expected = dict.fromkeys(self._by_name, self._opening)
        for one in self._people:
            for op in one.ops.values():
                gone = f"returned {one.name} {op.id}" in self._stood[one.name]
                if op.kind == "payment" and op.acked and not gone and not self._missing(op, one):
                    expected[one.name] -= op.amount
                    expected[op.frame["to"]] += op.amount
        balances = {}
        for one in self._people:
            sheet = await one.ask_on("balance")
            balances[one.name] = sheet["balances"].get("USD", {}).get("available", 0)
        unsure = any(map(self._unsure, expected))
        for name, has in balances.items():
            if has < 0:
                self._book.find("negative", f"{name} has {has}")
            if has != expected[name]:
                kind = "created" if has > expected[name] else "lost"
                sentence = f"{name} has {has}, and should have {expected[name]}"
                if unsure:
                    self.declared["money"] += abs(has - expected[name])
                else:
                    self._book.find(f"money {kind}", sentence)

    def _missing(self, op: Op, one: Person) -> bool:
        """Whether it was declared lost."""
        return f"payment {one.name} {op.id}" not in self._stood[one.name]

    # Losses that were said.

    def _partition(self, name: str) -> int:
        return crc32(name.encode()) % self._partitions

    def _unsure(self, box: str) -> bool:
        """Whether the store said that it lost posts of that box."""
        return bool(self._book.log(box).past)

    def _lost(self, op: Op) -> bool:
        return self._book.log(op.box).epoch != op.epoch


async def _box(reader: Person, box: str) -> list[Frame]:
    """A whole box, page by page."""
    pages: list[list[Frame]] = []
    more = True
    while more:
        below: dict[str, Any] = {"before": pages[-1][0]["seq"]} if pages and pages[-1] else {}
        page = await reader.ask_on("history", box=box, limit=200, **below)
        pages.append(page["entries"])
        more = page["more"]
    return [entry for page in reversed(pages) for entry in page]
