"""One lane as a courier works it: legs to the other partition, then settlements to their own.

Legs come from this hub's own posts as they are committed, from other hubs' word, or from the outbox
itself. They are posted strictly in order, and settled at the source in the same order. Whenever
something goes wrong, all that is known is dropped, and read anew from the store after a pause.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

from ..commit.outcomes import Result
from ..faults import FAULT
from ..ledger.arrivals import Arrived, settlements
from ..ledger.crossing import Arrival, Settlement
from ..ledger.lanes import LEG_WINDOW, InLane, OutLane, in_transit
from ..ledger.legs import STAMP, Leg, time_of
from ..ledger.posts import Kind, Post
from ..ledger.status import Status
from ..store.connection import Down, Lost, Refused
from .ends import Place
from .origin import Origin
from .outstanding import LaneBroken, NotSafe, Outstanding, check_ends, read_outstanding
from .planted import refund
from .ways import Ways

PAUSES_S = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Between attempts after something went wrong; the last one repeats."""
GAP_S = 0.02
"""How long a leg may be ahead of one that this hub has not heard of, before the outbox is read."""
HELD_MAX = 2 * LEG_WINDOW
"""Most legs in memory that wait to be pushed; the others wait in the outbox."""


_ARRIVED = (Status.OK, Status.WAITING, Status.DUPLICATE, Status.RETURNED, Status.SUSPENSE)
_BROKEN = (Status.LANE_FORKED, Status.CORRUPT)


class Lane(Origin):
    """The lane from partition `source` to partition `dest`."""

    def __init__(
        self, ways: Ways, source: int, dest: Place, returned: Callable[[int, Place], None]
    ) -> None:
        """`returned` is told the ends of the lane back when a refused leg has gone there."""
        self._ways = ways
        self._end = ways.end(source, dest)
        self.source = source
        self.dest = dest
        self._returned = returned
        self.stopped = ""
        """Why nothing may be carried any more; empty as long as all is well."""
        self.unsettled = 0
        """Legs that were sent and not settled, when the records were last looked at."""
        self.in_transit: dict[str, int] = {}
        """Money between the two ends, by currency, at that moment."""
        self.done = 0
        """All legs up to this one are settled, as far as is known here."""
        self._known = False
        """Whether that, and the legs behind it, are as the store has them."""
        self._tail = 0
        """The last leg that is pushed, or ready to be."""
        self._tail_at = 0
        """Its time, in ms; 0: not known."""
        self._ready: deque[tuple[bytes, int]] = deque()
        """Legs to push, each with the time of the one before it."""
        self._early: dict[int, bytes] = {}
        """Legs beyond a gap, or that came while the outbox was read."""
        self._stamps: deque[tuple[int, int]] = deque()
        """Number and time of the legs that are not settled."""
        self._arriving = 0
        """ARRIVE posts without an answer."""
        self._arrived: list[Arrived] = []
        """Legs that can be settled."""
        self._settling: list[Arrived] = []
        self._settles = 0
        """SETTLE posts without an answer."""
        self._trouble = False
        self._attempts = 0
        """That went wrong, one behind the other."""
        self._more = False
        """The outbox may hold what is not known here."""
        self._overdue = 0
        """Nothing is to be done unless this leg is unsettled; 0: in any case."""
        self._timer: asyncio.TimerHandle | None = None
        self._reading: asyncio.Task[None] | None = None
        self._ends: tuple[int, ...] = ()
        """How far each end had come when the records were last looked at; empty: not since the
        lane stopped."""
        self._log = structlog.get_logger("courier")

    @property
    def oldest_at(self) -> int | None:
        """When the oldest unsettled leg was put into the outbox, in ms of the store."""
        return self._stamps[0][1] if self._stamps else None

    # What there is to do.

    def offer(self, seq: int, stored: bytes) -> None:
        """Leg `seq` is committed, and as durable as it must be."""
        if self.stopped:
            return
        if self._known and seq <= self._tail:
            if time_of(stored) > self._tail_at:
                self.doubt()
            return
        if len(self._early) >= HELD_MAX:  # the outbox has them, too
            self._early.clear()
            self._more = True
        self._early[seq] = stored
        if self._known:
            self._absorb()
            self.go()
        else:
            self.look()

    def look(self, overdue: int = 0) -> None:
        """The outbox may hold legs that nobody pushes. With `overdue`: if that one is among them,
        another courier is too slow; else all is well."""
        if self.stopped:
            return
        if self._at_rest:
            self._overdue = overdue
            self._read()
        else:
            self._more = True

    def observe(self, arrived: InLane, out: OutLane) -> None:
        """The records of both ends, of which that of the end was read first."""
        self.unsettled = out.sent - out.done
        self.in_transit = in_transit(out, arrived)
        before, self._ends = self._ends, (out.first, out.done, arrived.last)
        if self.stopped and self._ends != before:
            self._go_on()
        if self.stopped:
            return
        try:
            check_ends(out, arrived)
        except LaneBroken as error:
            self.stop(str(error))
            return
        if self._at_rest and (self.unsettled or arrived.last < out.done):
            self.look()

    def doubt(self) -> None:
        """What is known here may not be what the store has: its source may have lost legs, and
        given their numbers to others."""
        if not self.stopped:
            self._trouble = True
            self.go()

    def go(self) -> None:
        """Do what can be done now; called after every answer."""
        if self._trouble:
            if not (self._arriving or self._settles):
                self._forget()
                self._pause()
            return
        if self._arrived and not self._settles:
            self._settle()
        self._push()
        if self._more and self._at_rest:
            self._read()

    def stop(self, why: str) -> None:
        """Nothing more is carried by this lane; what is in the outbox stays there."""
        self.stopped = why
        self._forget()
        self.close()
        self._log.error("a lane is stopped", source=self.source, to=self.dest, why=why)

    def close(self) -> None:
        """End what would go on by itself."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    # What the pipelines answer.

    def answered(self, post: Post, result: Result) -> None:
        """The store has judged a post of this lane. `go` must follow."""
        come = post.extra
        if isinstance(come, Arrival):
            self.arrived(come.seq, come.leg, result)
        elif isinstance(come, Settlement):
            self._settles -= 1
            if not self.stopped:
                self._has_settled(come, result)

    def failed(self, post: Post) -> None:
        """It is not known whether a post of this lane happened. `go` must follow."""
        if post.kind is Kind.ARRIVE:
            if FAULT == "refund-on-timeout":
                refund(self._ways, post.extra.leg)  # type: ignore[attr-defined]
            self.not_arrived()
        else:
            self._settles -= 1
            self._trouble = not self.stopped

    # What its end answers.

    def not_arrived(self) -> None:
        """It is not known whether a leg that was pushed has arrived. `go` must follow."""
        self._arriving -= 1
        self._trouble = not self.stopped

    def arrived(self, seq: int, leg: Leg, result: Result) -> None:
        """What became of a leg that was pushed. `go` must follow."""
        self._arriving -= 1
        if self.stopped:
            return
        status = result[0]
        if status not in _ARRIVED:
            self._wrong(status, result)
            return
        refused = status == Status.RETURNED or (status == Status.DUPLICATE and result[1] == b"1")
        at = self._stamp(seq)
        if at is None:
            self._trouble = True
            return
        self._attempts = 0
        self._arrived.append(Arrived(seq, at, leg, refused or status == Status.WAITING))
        if refused and isinstance(self.dest, int):
            self._returned(self.dest, self.source)

    def _has_settled(self, come: Settlement, result: Result) -> None:
        status = result[0]
        if status == Status.OK:
            self._advance(come.done)
        elif status == Status.LANE_MOVED and int(result[1]) >= max(self.done, come.after + 1):
            self._advance(int(result[1]))  # another courier was quicker
        else:
            self._wrong(status, result)
        if self._settles == 0:
            self._attempts = 0
            left = [one for one in self._settling if one.seq > self.done]
            self._settling = []
            self._arrived = left + self._arrived

    def _wrong(self, status: int | bytes, result: Result) -> None:
        if status in _BROKEN:
            self.stop(f"the store answered {Status(int(status)).name} {result[1:]}")
        else:
            self._trouble = True

    def _advance(self, done: int) -> None:
        self.done = done
        stamps = self._stamps
        while stamps and stamps[0][0] <= done:
            stamps.popleft()

    def _stamp(self, seq: int) -> int | None:
        """When leg `seq` was put into the outbox, in ms; 0 if it is settled. None where that is
        not known, because another courier has moved the lane meanwhile."""
        if seq <= self.done:
            return 0
        stamps = self._stamps
        place = seq - stamps[0][0] if stamps else -1
        return stamps[place][1] if 0 <= place < len(stamps) else None

    # Posting.

    def _push(self) -> None:
        ready = self._ready
        while ready and not self._trouble:
            seq = self._tail - len(ready) + 1
            if seq - self.done > LEG_WINDOW:
                return
            stored, behind = ready.popleft()
            self._arriving += 1
            try:
                self._end.push(self, seq, stored, self.done, behind)
            except ValueError as error:
                self._arriving -= 1
                self.stop(f"leg {seq}: {error}")
                return

    def _settle(self) -> None:
        ways = self._ways
        arrived, self._arrived = self._arrived, []
        arrived = [one for one in arrived if one.seq > self.done]
        if not arrived:
            return
        self._settling = arrived
        posts = settlements(
            ways.keyspace, self.source, str(self.dest), self.done, arrived, origin=self
        )
        self._settles = len(posts)
        for post in posts:
            ways.pipeline_of(self.source).post(post)

    # Knowing what the store holds.

    @property
    def _at_rest(self) -> bool:
        """Whether nothing is on its way, nor will be by itself."""
        busy = self._arriving or self._settles or self._ready or self._arrived
        return not (busy or self._timer or self._reading)

    def _absorb(self) -> None:
        """Take what is next; if something before it is missing, wait for it, then look for it."""
        early, ready = self._early, self._ready
        while early and len(ready) < HELD_MAX:
            stored = early.pop(self._tail + 1, None)
            if stored is None:
                break
            self._append(stored)
        if early and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GAP_S, self._still_missing)

    def _append(self, stored: bytes) -> None:
        self._tail += 1
        self._ready.append((stored, self._tail_at))
        self._tail_at = int.from_bytes(stored[:STAMP])  # as `time_of`: on the way of every payment
        self._stamps.append((self._tail, self._tail_at))

    def _still_missing(self) -> None:
        self._timer = None
        if self._early:
            self._early.clear()
            self._more = True
        self.go()

    def _go_on(self) -> None:
        """An end has moved since the lane stopped: somebody has mended it. Look again."""
        self.stopped = ""
        self._attempts = 0
        self._log.warning("a stopped lane goes on", source=self.source, to=self.dest)
        self.look()

    def _forget(self) -> None:
        self._known = self._trouble = self._more = False
        self._ready.clear()
        self._early.clear()
        self._stamps.clear()
        self._arrived.clear()
        self._settling = []

    def _pause(self) -> None:
        """Read everything anew, but not at once."""
        pause = PAUSES_S[min(self._attempts, len(PAUSES_S) - 1)]
        self._attempts += 1
        self.close()
        self._timer = asyncio.get_running_loop().call_later(pause, self._again)

    def _again(self) -> None:
        self._timer = None
        self._read()

    def _read(self) -> None:
        self._known = False  # what is offered meanwhile waits: the answer may not have it yet
        self._more = False
        self._reading = asyncio.create_task(self._look())

    async def _look(self) -> None:
        try:
            found = await read_outstanding(self._ways, self.source, self.dest)
        except LaneBroken as error:
            self._reading = None
            self.stop(str(error))
        except (Down, Lost, Refused, NotSafe):
            self._reading = None
            self._pause()
        except Exception:  # a mistake of ours must not end the carrying for good
            self._log.exception("a lane cannot be read", source=self.source, to=self.dest)
            self._reading = None
            self._pause()
        else:
            self._reading = None
            self._take(found)

    def _take(self, found: Outstanding) -> None:
        overdue, self._overdue = self._overdue, 0
        self._stamps.clear()
        self._advance(found.done)
        self._tail = found.start - 1
        self._tail_at = found.behind
        if found.done >= overdue > 0:  # the courier whose lane it is does its work
            self._known = False
            self._early.clear()
            return
        self._known = True
        for stored in found.legs:
            self._append(stored)
        self._more = self._tail < found.sent
        self._early = {seq: leg for seq, leg in self._early.items() if seq > self._tail}
        self._absorb()
        self.go()
