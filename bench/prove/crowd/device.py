"""One device of a person: connects, resumes, and checks that no stream has a hole.

Whatever a hub tells of a box must be the next place after the cursor: live entries, missed ones and
acks alike. The cursors are the device's own, and it takes them to whichever hub it goes next.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from .book import content_of, key_of
from .ops import COMING, Frame
from .socket import Socket

if TYPE_CHECKING:
    from .person import Person

CONNECT_S = 4.0
"""How long a connection, with its welcome, may take."""
PATIENCE_S = 3.0
"""How long a device waits for an answer on a silent connection, before it tries another hub."""
PAUSE_S = (0.05, 0.4)
"""Between two connections."""
PASSWORD = "correct horse"
_ENTRIES = frozenset(
    ("message", "payment", "deposit", "settled", "returned", "create", "join", "leave")
) | {"read", "delivered"}


TRAIL = 80
"""So many frames are remembered, to tell what came before a mistake."""


class Refusal(Exception):
    """The hub did not let us in; nothing is wrong with that."""


class Device:
    """Reads and sends for its person, at one hub after another."""

    def __init__(self, person: Person, hub: int) -> None:
        self.person = person
        self.hub = hub
        self.online = False
        self.cursors: dict[str, int] = {}
        self.epochs: dict[str, int] = {}
        self.pending: dict[str, int] = {}
        """Copies sent on this connection without an answer, by id."""
        self.altered: set[str] = set()
        """Ids of which an altered copy was sent on this connection."""
        self.heard_at = 0.0
        self._socket: Socket | None = None
        self._entering: asyncio.Future[None] | None = None
        self._retry_after_s = 0.0
        self._heard: set[str] = set()
        """Boxes that this connection hears, as far as it was told."""
        self._trail: deque[tuple[float, int, Frame]] = deque(maxlen=TRAIL)
        """When, at which hub, and what."""

    @property
    def name(self) -> str:
        """Whose it is, which one, and at which hub, for findings."""
        number = self.person.devices.index(self)
        return f"{self.person.name} (device {number}, hub{self.hub})"

    # Living.

    async def live(self) -> None:
        """Connect, resume, and begin anew after every loss. Until cancelled."""
        rng = self.person.rng
        while True:
            with suppress(OSError, TimeoutError, Refusal):
                await self._visit()
            self._gone()
            await asyncio.sleep(min(2.0, self._retry_after_s) + rng.uniform(*PAUSE_S))
            self._retry_after_s = 0.0
            self.hub = self.person.next_hub(self.hub)

    async def _visit(self) -> None:
        loop = asyncio.get_running_loop()
        host, port = self.person.town.hubs[self.hub]
        binary = self.person.rng.random() < 0.5
        try:
            async with asyncio.timeout(CONNECT_S):
                _, self._socket = await loop.create_connection(
                    lambda: Socket(host, port, binary, self._take), host, port
                )
                await self._socket.opened
                self._entering = loop.create_future()
                self._socket.send(self.person.entrance(self.cursors))
                waits = {self._entering, self._socket.ended}
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                if not self._entering.done():
                    raise Refusal
                await self._entering
            self.person.town.book.tally.connections += 1
            await self._stay(self._socket)
        finally:
            if self._socket is not None:
                self._socket.abort()

    async def _stay(self, socket: Socket) -> None:
        """Until the connection ends, or says nothing for too long while answers are due."""
        loop = asyncio.get_running_loop()
        while not socket.ended.done():
            await asyncio.wait({socket.ended}, timeout=PATIENCE_S / 4)
            silent = loop.time() - self.heard_at > PATIENCE_S
            if silent and self.pending:
                return

    def _gone(self) -> None:
        if self.online:
            self.person.town.book.tally.lost += 1
        self.online = False
        self._socket = None
        if self._entering is not None and self._entering.done():
            self._entering.cancelled() or self._entering.exception()
        pending, self.pending = self.pending, {}
        self.altered.clear()
        self.person.adrift(pending)

    def drop(self) -> None:
        """Hang up, and come back at once: a client that flaps."""
        if self._socket is not None:
            self._socket.abort()

    # Sending.

    def post(self, frame: Frame) -> None:
        """Send a copy of a frame that is to be stored."""
        if self._socket is None:
            return
        id = frame["id"]
        if not self.pending:
            self.heard_at = asyncio.get_running_loop().time()
        self.pending[id] = self.pending.get(id, 0) + 1
        self._socket.send(frame)

    def send(self, frame: Frame) -> None:
        """Send anything else."""
        if self._socket is not None:
            self._socket.send(frame)

    # Hearing.

    def _take(self, frame: Frame) -> None:
        kind = frame["type"]
        self.heard_at = asyncio.get_running_loop().time()
        self._trail.append((self.heard_at, self.hub, frame))
        if kind in _ENTRIES:
            self._entry(frame)
        elif kind == "ack":
            self._ack(frame)
        elif kind == "error":
            self._error(frame)
        elif kind == "welcome":
            self._welcome(frame)
        elif kind == "goodbye":
            self._retry_after_s = frame.get("retry_after_ms", 0) / 1000
        else:
            self.person.answered(frame)

    def _welcome(self, frame: Frame) -> None:
        book, name = self.person.town.book, self.name
        for box, state in frame["boxes"].items():
            epoch, seq = state["epoch"], state["seq"]
            book.begins(box, epoch)
            if self.epochs.get(box, epoch) != epoch:
                self.cursors.pop(box, None)  # what we have of it is another past
                book.tally.limited += state.get("limited", False)
                self.cursors[box] = seq if not state.get("limited") else state["first"] - 1
            elif state.get("limited"):
                book.tally.limited += 1
                if seq < self.cursors.get(box, 0):
                    book.find("lost", f"{name} has {box} up to {self.cursors[box]}, the hub {seq}")
                self.cursors[box] = state["first"] - 1
            else:
                self.cursors.setdefault(box, seq)
            self.epochs[box] = epoch
        self._heard = set(frame["boxes"])
        self.online = True
        if self._entering is not None and not self._entering.done():
            self._entering.set_result(None)
        self.person.entered(self, frame)

    def _entry(self, frame: Frame) -> None:
        person, box, seq, kind = self.person, frame["box"], frame["seq"], frame["type"]
        mine = frame["from"] == person.name and box[0] == "#"
        if mine and kind in COMING:
            self._comes(box, seq)
        self._see(box, seq, key_of(frame), content_of(frame))
        if mine and kind == "leave":
            self._leaves(box)
        person.saw(frame)
        if not mine and frame["at"] > person.town.live_since_ms:
            person.town.book.delays.append(time.time() - frame["at"] / 1000)

    def _ack(self, frame: Frame) -> None:
        person, id = self.person, frame["id"]
        if id in self.altered:
            self.altered.discard(id)
            self._count_down(id)
            person.town.book.find("altered", f"{person.name}: an altered copy of {id} got {frame}")
            return
        self._count_down(id)
        op = person.ops.get(id)
        if op is None:
            return
        self._follow(op.kind, frame)
        person.acked(op, frame)

    def _follow(self, kind: str, ack: Frame) -> None:
        """An ack stands in the stream in place of the entry."""
        person = self.person
        box, seq = ack["box"], ack["seq"]
        if kind in COMING and not ack.get("replayed"):
            self._comes(box, seq)  # a replayed one says nothing of where the stream begins
        cursor = self.cursors.get(box)
        if ack.get("replayed"):
            if box in self._heard and cursor is not None and seq > cursor and kind != "leave":
                sentence = f"{self.name}: {ack['id']} is {box} {seq}, but only {cursor} was told"
                person.town.book.find("ack ahead", sentence)
        elif cursor is None or seq > cursor:
            self._see(box, seq, f"{kind} {person.name} {ack['id']}", None)
        if kind == "leave" and self.cursors.get(box, 0) <= seq:
            self._leaves(box)

    def _leaves(self, box: str) -> None:
        self.cursors.pop(box, None)
        self._heard.discard(box)

    def _comes(self, box: str, seq: int) -> None:
        """One's own join begins a stream: whoever joins was not there just before."""
        if seq > self.cursors.get(box, 0):
            self.cursors[box] = seq - 1

    def _see(self, box: str, seq: int, key: str, content: int | None) -> None:
        book, name = self.person.town.book, self.name
        cursor = self.cursors.get(box)
        if cursor is not None and seq > cursor + 1:
            book.find("gaps", f"{name} got {box} {seq} ({key}) after {cursor}{self._before(box)}")
        elif cursor is not None and seq <= cursor:
            book.find("doubles", f"{name} got {box} {seq} ({key}) again, after {cursor}")
        self.cursors[box] = seq
        self._heard.add(box)
        book.see(name, box, self.epochs.get(box, book.log(box).epoch), seq, key, content)

    def _before(self, box: str) -> str:
        """What was told of `box`, and of coming and going, before the newest frame."""
        now, told = self.heard_at, ""
        for at, hub, frame in self._trail:
            kind = frame["type"]
            if kind == "welcome":
                words = f"welcome {frame['boxes'].get(box, 'without it')}"
            elif kind == "goodbye":
                words = f"goodbye {frame['reason']} {frame.get('cursors', {}).get(box)}"
            elif frame.get("box") == box:
                words = f"{kind} {frame['seq']} {frame['id']} {frame.get('replayed', '')}"
            else:
                continue
            told += f"\n    {at - now:.2f} s, hub{hub}: {words}"
        return told

    def _error(self, frame: Frame) -> None:
        person, id = self.person, frame.get("id", "")
        if not self.online:
            if self._entering is not None and not self._entering.done():
                self._entering.set_exception(Refusal())
            if frame["retry"] != "same_id":
                book = person.town.book
                book.find("refused entrance", f"{person.name} was not let in: {frame}")
            return
        if id in self.altered:
            self.altered.discard(id)
            self._count_down(id)
            person.altered_refused(id, frame)
            return
        if id in person.ops:
            self._count_down(id)
            person.refused(person.ops[id], frame)
        else:
            person.answered(frame)

    def _count_down(self, id: str) -> None:
        left = self.pending.get(id, 0) - 1
        if left > 0:
            self.pending[id] = left
        else:
            self.pending.pop(id, None)
