"""A hub with planted faults, to test the instrument. It relays and resumes as the real one does,
except where its `Planted` says otherwise."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from websockets.asyncio.server import ServerConnection, broadcast, serve

Frame = dict[str, Any]
GAP_MAX = 50
"""Missed entries of a box that come by themselves; older ones are to be had by `history`."""


@dataclass
class Planted:
    """What goes wrong, and at which message (counted from 1)."""

    lose_at: int = 0
    double_at: int = 0
    swap_at: int = 0
    """This delivery is held back until its sender's next one went out."""
    forget_ack_at: int = 0
    refuse_at: int = 0
    refuse_with: str = "busy"
    stray_at: int = 0
    """An ack with an id that nobody sent."""
    stall_at: int = 0
    stall_seconds: float = 0.0
    """For so long nothing is answered."""
    travels: bool = False
    """Whether money is on its way when it is acknowledged, and the payer hears of its arrival."""
    settle_late: float = 0.0
    """How long after it arrived, in seconds."""
    forget_settled_at: int = 0
    settle_twice_at: int = 0
    swap_settled_at: int = 0
    """The payer hears of this arrival after the next one."""
    misstate_at: int = 0
    """The ack says nothing of the way that the money has to go."""
    acks: bool = True
    lose_missed: int = 0
    double_missed: int = 0
    """Of the entries that one missed: the so-many-th (counted from 1)."""
    backlog_max: int = 1 << 30
    """Bytes that may wait for a reader before it is cut off."""


class FakeHub:
    """Serves `register`, `hello`, `create`, `join`, `message`, `payment` and `history`; and
    `count`, which asks how many frames came on this connection."""

    def __init__(self, planted: Planted) -> None:
        self.planted = planted
        self.messages = 0
        self.cut = 0
        """Readers that were cut off."""
        self.port = 0
        self._people: dict[str, ServerConnection] = {}
        self._rooms: defaultdict[str, set[str]] = defaultdict(set)
        self._boxes: defaultdict[str, list[Frame]] = defaultdict(list)
        self._held: list[tuple[str, str, Frame]] = []
        self._untold: dict[str, Frame] = {}
        self._running = asyncio.Event()
        self._running.set()

    async def handle(self, socket: ServerConnection) -> None:
        count, name = 0, ""
        async for text in socket:
            frame = orjson.loads(text)
            await self._running.wait()
            if frame["type"] == "count":
                self._tell(socket, {"type": "counted", "frames": count})
                continue
            count += 1
            if frame["type"] in ("register", "hello"):
                name = "@" + frame["handle"] if "handle" in frame else frame["token"]
                self._enter(socket, name, frame)
            elif frame["type"] in ("message", "payment"):
                await self._post(socket, name, frame)
            elif frame["type"] == "history":
                self._history(socket, frame)
            else:
                self._rooms[frame["room"]].add(name)
                self._answer(socket, "ack", frame, seq=len(self._boxes[frame["room"]]))

    def _enter(self, socket: ServerConnection, name: str, frame: Frame) -> None:
        self._people[name] = socket
        boxes, missed, planted = {}, [], self.planted
        for box in (name, *(room for room, members in self._rooms.items() if name in members)):
            entries = self._boxes[box]
            seen = frame.get("cursors", {}).get(box, len(entries))
            boxes[box] = {"epoch": 1, "seq": len(entries)}
            if len(entries) - seen > GAP_MAX:
                seen = len(entries) - GAP_MAX
                boxes[box] |= {"limited": True, "first": seen + 1}
            missed += entries[seen:]
        self._answer(socket, "welcome", frame, boxes=boxes, token=name)
        for number, entry in enumerate(missed, 1):
            for _ in range((number != planted.lose_missed) + (number == planted.double_missed)):
                self._tell(socket, entry)

    def _history(self, socket: ServerConnection, frame: Frame) -> None:
        below = self._boxes[frame["box"]][: frame["before"] - 1]
        entries = below[-min(frame["limit"], GAP_MAX) :]
        self._answer(socket, "history", frame, entries=entries, more=len(below) > len(entries))

    async def _post(self, socket: ServerConnection, name: str, frame: Frame) -> None:
        self.messages += 1
        number, planted = self.messages, self.planted
        if number == planted.stall_at:
            self._running.clear()
            asyncio.get_running_loop().call_later(planted.stall_seconds, self._running.set)
            await self._running.wait()
        if number == planted.refuse_at:
            self._tell(socket, {"type": "error", "code": planted.refuse_with, "id": frame["id"]})
            return
        room = frame["to"] in self._rooms
        members = self._rooms[frame["to"]] if room else {frame["to"]}
        for box in {frame["to"]} if room else {name, frame["to"]}:
            self._boxes[box].append({**frame, "seq": len(self._boxes[box]) + 1})
        for to in members - {name}:
            self._deliver(number, name, to, frame)
        if number == planted.stray_at:
            self._answer(socket, "ack", {"id": "000000009999"})
        if planted.acks and number != planted.forget_ack_at:
            state = planted.travels and number != planted.misstate_at
            self._answer(socket, "ack", frame, **({"state": "accepted"} if state else {}))
        if planted.travels:
            loop = asyncio.get_running_loop()
            loop.call_later(planted.settle_late, self._settle, socket, number, name, frame)

    def _settle(self, socket: ServerConnection, number: int, name: str, frame: Frame) -> None:
        """Tell the payer that the money has arrived."""
        planted = self.planted
        if number == planted.forget_settled_at:
            return
        if number == planted.swap_settled_at:
            self._untold[name] = frame
            return
        for _ in range(1 + (number == planted.settle_twice_at)):
            self._answer(socket, "settled", frame)
        if name in self._untold:
            self._answer(socket, "settled", self._untold.pop(name))

    def _deliver(self, number: int, name: str, to: str, frame: Frame) -> None:
        planted, socket = self.planted, self._people[to]
        if number == planted.lose_at:
            return
        if number == planted.swap_at:
            self._held.append((name, to, frame))
            return
        for _ in range(1 + (number == planted.double_at)):
            self._tell(socket, frame)
        for held in [one for one in self._held if one[:2] == (name, to)]:
            self._held.remove(held)
            self._tell(socket, held[2])

    def _answer(self, socket: ServerConnection, type: str, frame: Frame, **more: object) -> None:
        self._tell(socket, {"type": type, "id": frame["id"], **more})

    def _tell(self, socket: ServerConnection, frame: Frame) -> None:
        broadcast([socket], orjson.dumps(frame).decode())
        if socket.transport.get_write_buffer_size() > self.planted.backlog_max:
            self.cut += 1
            socket.transport.abort()


@asynccontextmanager
async def fake_hub(planted: Planted) -> AsyncIterator[FakeHub]:
    """A `FakeHub` on a free port."""
    hub = FakeHub(planted)
    async with serve(hub.handle, "127.0.0.1", 0, compression=None) as server:
        hub.port = next(iter(server.sockets)).getsockname()[1]
        yield hub
