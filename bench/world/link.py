"""One ordered pair of regions: where one of them dials, and is taken to the other."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from .flow import Flow, Side
from .weather import Way, Weather

CUT, DIALLING = "cut", "dialling"


@dataclass
class Link:
    """A port on which whoever dials it from region `source` reaches `host`:`port` in region
    `dest`, with the weather of both directions in between."""

    source: str
    dest: str
    host: str
    port: int
    there: Weather
    back: Weather
    late: Counter[int]
    """How late pieces were written, in µs."""
    draw: Random = field(default_factory=Random)
    lost: bool = False
    """Whether nobody is at the other end."""
    cut_until: float | None = None
    """When the line carries again, while it is cut; for ever, if infinite."""
    abort_after: float | None = None
    """Seconds that a connection outlives a cut."""
    carried: int = 0
    """Bytes that arrived over connections that have ended."""
    _server: asyncio.Server | None = None
    _heal: asyncio.TimerHandle | None = None
    _live: set[Carried] = field(default_factory=set)

    async def listen(self) -> int:
        """Open its port on 127.0.0.1, and return it."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accepted, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def joins(self, one: str, other: str) -> bool:
        """Whether these are its two regions; ``*`` is any."""
        return all(name in ("*", self.source, self.dest) for name in (one, other))

    def cut(self, seconds: float | None, abort_after: float | None) -> None:
        """Carry nothing for so many seconds, or until `heal`. What enters is held, and what is on
        its way, as TCP would send it again; connections that this lasts too long for are reset,
        and what was on its way in them is lost."""
        loop = asyncio.get_running_loop()
        self.abort_after = abort_after
        self.cut_until = float("inf") if seconds is None else loop.time() + seconds
        if self._heal is not None:
            self._heal.cancel()
        self._heal = None if seconds is None else loop.call_at(self.cut_until, self.heal)
        for one in self._live:
            one.hold(abort_after)

    def heal(self) -> None:
        """Carry again. What was held was sent again at this moment: it takes its delay."""
        if self.cut_until is None:
            return
        self.cut_until = None
        if self._heal is not None:
            self._heal.cancel()
        for one in self._live:
            one.release()

    def lose(self) -> None:
        """The other end is gone: reset what there is, and whatever comes."""
        self.lost = True
        for one in list(self._live):
            one.abort()

    def change(self, there: Weather, back: Weather) -> None:
        """Other weather, also for what has its connection already."""
        self.there, self.back = there, back
        for one in self._live:
            one.forth.way.weather, one.back.way.weather = there, back

    @property
    def held(self) -> int:
        """Bytes on their way."""
        return sum(one.forth.held + one.back.held for one in self._live)

    @property
    def total(self) -> int:
        """Bytes that arrived so far, in both directions."""
        return self.carried + sum(one.forth.carried + one.back.carried for one in self._live)

    @property
    def connections(self) -> int:
        """Those that are open."""
        return len(self._live)

    def _accepted(self) -> Side:
        one = Carried(self)
        self._live.add(one)
        return one.near

    def ended(self, one: Carried) -> None:
        """Both sides of a connection are closed."""
        self._live.discard(one)
        self.carried += one.forth.carried + one.back.carried


class Carried:
    """One connection over a link: two sockets, and a flow in each direction."""

    def __init__(self, link: Link) -> None:
        self._link, self._loop = link, asyncio.get_running_loop()
        self.near, self._far = Side(self._begin, self._closed), Side(self._dialled, self._closed)
        there, back = link.there, link.back
        self._round_trip, now = there.delay + back.delay, self._loop.time()
        # TCP's handshake: the dialler may speak after a round trip, the other after half of it.
        forth = Way(there, self._round_trip, now + self._round_trip, link.draw)
        reply = Way(back, self._round_trip, now + there.delay, link.draw)
        self.forth = Flow(forth, self.near, self._far, link.late)
        self.back = Flow(reply, self._far, self.near, link.late)
        self.near.away = self._far.here = self.forth
        self._far.away = self.near.here = self.back
        self._open = 2
        self._aborted = False
        self._abort: asyncio.TimerHandle | None = None
        self.forth.stop(DIALLING)
        self._met = link.cut_until is None  # whether the handshake got through
        if not self._met:
            self.hold(link.abort_after)

    def hold(self, abort_after: float | None) -> None:
        """The line is cut; reset this after so many seconds."""
        for flow in (self.forth, self.back):
            flow.stop(CUT)
        if self._abort is not None:
            self._abort.cancel()
        after = abort_after
        self._abort = None if after is None else self._loop.call_later(after, self.abort)

    def release(self) -> None:
        """The line carries again: what was held is sent again at this moment."""
        if self._abort is not None:
            self._abort.cancel()
        sent = self._loop.time() + (0 if self._met else self._round_trip)
        self._met = True
        for flow in (self.forth, self.back):
            flow.go(CUT, sent + flow.way.weather.delay)

    def abort(self) -> None:
        """Reset both ends now; what is on its way is lost."""
        self._aborted = True
        for flow, side in ((self.forth, self._far), (self.back, self.near)):
            flow.drop()
            side.end("abort")

    def _begin(self) -> None:
        """Somebody has dialled: dial the other end."""
        if self._link.lost:
            self.abort()
            self._closed()  # the other end was never open
        else:
            self._task = self._loop.create_task(self._dial())

    async def _dial(self) -> None:
        try:
            await self._loop.create_connection(lambda: self._far, self._link.host, self._link.port)
        except OSError:
            self.abort()
            self._closed()

    def _dialled(self) -> None:
        if self._aborted:
            self._far.end("abort")
        else:
            self.forth.go(DIALLING)

    def _closed(self) -> None:
        """One of the two sockets is closed, or will not be opened."""
        self._open -= 1
        if not self._open:
            self._link.ended(self)
