"""One account: talks and pays at random, and never lets go of what was not answered."""

from __future__ import annotations

import asyncio
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any

from .compose import altered, compose, first_steps, homes
from .device import PASSWORD, Device
from .ops import Frame, Op

if TYPE_CHECKING:
    from .town import Town

THINK_S = 1.6
"""Mean pause between two bursts of one person."""
OPEN_MAX = 8
"""Frames without an answer, at most."""
AGAIN_S = (0.05, 0.4)
"""Before a frame is sent again that could not be taken."""
DOUBLED, ALTERED, STATUS, HISTORY, BALANCE = 0.03, 0.02, 0.03, 0.01, 0.05
"""Shares of frames that are sent twice at once, or again with other content; and questions."""
ASK_S = 5.0
DEVICES_OF_TWO = 4
"""Every so manieth person has a second device, at another hub."""


class Person:
    """An account with its devices."""

    def __init__(self, town: Town, place: int, number: int, seed: int) -> None:
        self.town = town
        self.handle = f"p{place}"
        self.name = f"@{self.handle}"
        self.rng = Random(f"{seed} {place}")
        self.others = [f"@p{n}" for n in range(number) if n != place]
        self.homes = homes(place, number)
        self._steps = first_steps(place, number)
        self.follows: set[str] = set()
        """Rooms that it joined and did not leave, as far as it was told."""
        self.heard_of: tuple[str, str] | tuple[()] = ()
        """Who wrote last, and the id of that."""
        self.token = ""
        self._registered = asyncio.Event()
        self.ops: dict[str, Op] = {}
        self.open: dict[str, Op] = {}
        """Those without a final answer, in the order of first sending."""
        self.resting = True
        two = 2 if place % DEVICES_OF_TWO == 0 and len(town.hubs) > 1 else 1
        self.devices = [Device(self, (place + n) % len(town.hubs)) for n in range(two)]
        self._again: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._asked: dict[str, asyncio.Future[Frame]] = {}
        self._questions = count(1)

    # Living.

    async def live(self) -> None:
        """Live with all devices. Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.devices[0].live())
            group.create_task(self._talk())
            await self._registered.wait()
            for device in self.devices[1:]:
                group.create_task(device.live())

    async def _talk(self) -> None:
        rng = self.rng
        while True:
            await asyncio.sleep(0.05 if self._steps else rng.expovariate(1 / THINK_S))
            if not self.devices[0].online:
                continue
            if self._steps:
                self._step()
            elif not self.resting:
                for _ in range(rng.choice(self.town.burst)):
                    if len(self.open) < OPEN_MAX:
                        self._do(compose(self))
                self._ask_something()

    @property
    def settled_in(self) -> bool:
        """Whether it did what everyone does first."""
        return bool(self.token) and not self._steps and not self.open

    def _step(self) -> None:
        if self.open:
            return
        step = self._steps[0]
        if step["type"] == "create" or step["room"] in self.town.book.rooms:
            self._do(self._steps.pop(0))

    def _do(self, fields: Frame) -> None:
        place = len(self.ops)
        frame = {"id": f"{self.handle}-{place}", **fields}
        op = Op(place, frame, asyncio.get_running_loop().time())
        self.ops[op.id] = self.open[op.id] = op
        self.town.book.tally.sent += 1
        self._send(op, self.devices[0])
        other = self.devices[-1]
        if other is not self.devices[0] and other.online and self.rng.random() < 4 * DOUBLED:
            op.doubtful = True
            self.town.book.tally.doubles += 1
            self._send(op, other)

    def _send(self, op: Op, device: Device) -> None:
        op.copies += 1
        self.town.book.tally.copies += 1
        device.post(op.frame)

    def _ask_something(self) -> None:
        """Read what is there; what comes is checked."""
        rng = self.rng
        if rng.random() < STATUS and self.ops:
            self.town.start(self._status(rng.choice(list(self.ops.values())[-50:])))
        if rng.random() < HISTORY:
            self.town.start(self.ask("history", box=self.name, limit=rng.randint(1, 50)))
        if rng.random() < BALANCE:
            self.town.start(self._balance())
        if rng.random() < 4 * ALTERED and self.ops:
            self._alter(rng.choice(list(self.ops.values())[-20:]))

    async def _status(self, op: Op) -> None:
        before = op.acked
        report = await self.ask("status", of=op.id)
        if report is None or not before:
            return
        same = (report.get("ack", {}).get("box"), report.get("ack", {}).get("seq"))
        if report["type"] == "status" and (op.box, op.seq) != same and not self._lost_since(op):
            self.town.book.find("status", f"{self.name}: {op.id} was acked, and now {report}")

    async def _balance(self) -> None:
        sheet = await self.ask("balance")
        if sheet is not None and sheet["type"] == "balance":
            for currency, holding in sheet["balances"].items():
                if holding["available"] < 0:
                    self.town.book.find("negative", f"{self.name} has {holding} {currency}")

    def _alter(self, op: Op) -> None:
        """Send an altered copy of something acknowledged, by a device with no other copy open."""
        device = self.rng.choice(self.devices)
        fit = op.acked and op.kind in ("message", "payment") and device.online
        if fit and not device.pending.get(op.id) and op.id not in device.altered:
            device.altered.add(op.id)
            device.post(altered(op.frame, self.rng))

    # What the devices tell.

    def next_hub(self, hub: int) -> int:
        """Where to try next: sometimes the same, mostly another."""
        hubs = len(self.town.hubs)
        return (hub + self.rng.choice((0, *range(1, hubs)))) % hubs

    def entrance(self, cursors: dict[str, int]) -> Frame:
        """The frame that leads in."""
        if not self.token:
            return {"type": "register", "id": "r", "handle": self.handle, "password": PASSWORD}
        return {"type": "hello", "id": "h", "token": self.token, "cursors": cursors}

    def entered(self, device: Device, welcome: Frame) -> None:
        """A device is in: it sends again what was not answered, in order."""
        self.token = self.token or welcome["token"]
        self._registered.set()
        if device is self.devices[0]:
            self._again.clear()
            for op in list(self.open.values()):
                self._send(op, device)

    def adrift(self, pending: dict[str, int]) -> None:
        """A connection ended with these copies on it."""
        for id, copies in pending.items():
            op = self.ops.get(id)
            if op is not None:
                op.adrift += copies
                if op.open:
                    self.town.book.tally.unknown += not op.doubtful
                    op.doubtful = True
                    self._ask_again(op)
        for future in self._asked.values():
            if not future.done():
                future.cancel()
        self._asked.clear()

    def saw(self, frame: Frame) -> None:
        """An entry came, live or missed."""
        kind, id = frame["type"], frame["id"]
        if kind in ("settled", "returned"):
            op = self.ops.get(id)
            if op is not None and frame["from"] == self.name:
                op.closed = kind
        elif kind == "message" and frame["from"] != self.name and frame["to"] == self.name:
            self.heard_of = (frame["from"], id)

    def acked(self, op: Op, ack: Frame) -> None:
        """It is done, and as durable as was promised."""
        if not op.acked and self.town.durable not in ("", ack["durable"]):
            self.town.book.find(
                "durability", f"{self.name}: {op.id} is {ack['durable']}, not {self.town.durable}"
            )
        self.found_done(op, ack)

    def found_done(self, op: Op, ack: Frame) -> None:
        """It is done, as its ack says, or as was learned by asking: a `status` only reads, and does
        not wait for a replica."""
        book = self.town.book
        if op.acked:
            if (op.box, op.seq) != (ack["box"], ack["seq"]) and not self._lost_since(op):
                book.find("two answers", f"{self.name}: {op.id} is {op.box} {op.seq} and {ack}")
            return
        self.open.pop(op.id, None)
        book.tally.acked += 1
        book.tally.replayed += ack.get("replayed", False)
        book.latencies.append(asyncio.get_running_loop().time() - op.since)
        op.acked = True
        op.box, op.seq, op.at = ack["box"], ack["seq"], ack["at"]
        op.state = ack.get("state", "")
        op.epoch = book.log(op.box).epoch
        if op.kind == "create":
            book.rooms.add(op.box)
        if op.kind in ("create", "join"):
            self.follows.add(op.box)
        elif op.kind == "leave":
            self.follows.discard(op.box)

    def _lost_since(self, op: Op) -> bool:
        """Whether the store said since then that it lost posts of that box."""
        return self.town.book.log(op.box).epoch != op.epoch

    def refused(self, op: Op, error: Frame) -> None:
        """A copy was refused: for now, or for good if no other copy is on its way."""
        book = self.town.book
        if error["retry"] == "same_id":
            book.again(error["code"])
            if op.open:
                book.tally.unknown += not op.doubtful
                op.doubtful = True
                self._ask_again(op)
            return
        if error["code"] == "id_reused" or error["retry"] == "never":
            book.find("wrong refusal", f"{self.name}: {op.id} got {error}")
        if not op.acked and not self._on_its_way(op):
            op.refused = error["code"]
            self.open.pop(op.id, None)
            self._again.discard(op.id)

    def altered_refused(self, id: str, error: Frame) -> None:
        """What became of an altered copy."""
        book = self.town.book
        if error["code"] == "id_reused":
            book.tally.altered += 1
        elif error["retry"] != "same_id" and not self._lost_since(self.ops[id]):
            book.find("altered", f"{self.name}: an altered copy of {id} got {error}")

    def _on_its_way(self, op: Op) -> bool:
        return any(device.pending.get(op.id) for device in self.devices)

    def _ask_again(self, op: Op) -> None:
        """Send it again in a moment, unless another copy is answered first."""
        self._again.add(op.id)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self.rng.uniform(*AGAIN_S), self._send_again)

    def _send_again(self) -> None:
        self._timer = None
        device = self.devices[0]
        if device.online:
            again, self._again = self._again, set()
            for id in sorted(again, key=lambda id: self.ops[id].place):
                if self.ops[id].open and not self._on_its_way(self.ops[id]):
                    self._send(self.ops[id], device)

    # Questions.

    async def ask(self, kind: str, **fields: Any) -> Frame | None:
        """The answer of whichever hub the first device is at; None if there was none in time."""
        id = f"q{next(self._questions)}"
        device = self.devices[0]
        if not device.online:
            return None
        answer = self._asked[id] = asyncio.get_running_loop().create_future()
        self.town.book.tally.reads += 1
        device.send({"type": kind, "id": id, **fields})
        try:
            async with asyncio.timeout(ASK_S):
                return await answer
        except (TimeoutError, asyncio.CancelledError):
            if asyncio.current_task().cancelling():  # type: ignore[union-attr]
                raise
            return None
        finally:
            self._asked.pop(id, None)

    async def ask_on(self, kind: str, **fields: Any) -> Frame:
        """The same, again and again until there is a good answer; the caller bounds the time."""
        while True:
            answer = await self.ask(kind, **fields)
            if answer is not None and answer["type"] != "error":
                return answer
            await asyncio.sleep(0.2)

    def answered(self, frame: Frame) -> None:
        """An answer to a question came."""
        future = self._asked.get(frame.get("id", ""))
        if future is not None and not future.done():
            future.set_result(frame)
