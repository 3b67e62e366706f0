"""The hub's desk for searches: gives questions to the worker, and keeps a worker running.

The worker is told once a second which boxes have grown. It starts some time after the hub, or with
the first question, so that a hub which lives for a moment does not pay for it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from msgspec import UNSET

from protocol.errors import Code, FrameError
from protocol.frames import FoundPage, Hit

from ..seal.keys import KeysError
from .messages import Changed, Failed, Figures, Forget, Found, Keys, KeysFound, Question, Start
from .process import SearchProcess

if TYPE_CHECKING:
    from ..peer import Peer
    from ..services import Services

START_S = 10.0
"""How long after the hub the worker starts, if nobody searches before."""
TELL_S = 1.0
BOXES_PER_LOOK = 1_000
"""Boxes that are compared in one go: a tenth of a millisecond."""
QUESTION_S = 10.0
"""How long a question may take."""
OPEN_MAX = 100
"""Questions at a time; more are `busy`."""
PAUSES_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Before the worker is started again; the last one repeats."""
STEADY_S = 30.0
"""After so long a life its end counts as the first again."""


class _Open:
    """A question that is not answered yet."""

    def __init__(self, peer: Peer, id: str, timer: asyncio.TimerHandle) -> None:
        self.peer = peer
        self.id = id
        self.timer = timer


class SearchDesk:
    """Takes questions of clients. `store` is the URL of the store."""

    def __init__(self, services: Services, store: str) -> None:
        self.figures = Figures()
        """What the worker told last of itself."""
        self.restarts = 0
        self.asked = 0
        self._services = services
        settings = services.settings
        self._start = Start(
            store,
            services.keyspace.partitions,
            settings.index_folder.resolve(),
            settings.keys,
            settings.data.resolve(),
            settings.log_format,
        )
        self._process: SearchProcess | None = None
        self._wanted = asyncio.Event()
        self._ended = False
        """Whether the worker is to be started again."""
        self._indexed_before = 0
        """By the workers before this one."""
        self._open: dict[int, _Open] = {}
        self._asking: set[str] = set()
        """Accounts whose question is open: each has one at a time, on whatever connection."""
        self._waiting: list[Question] = []
        """Questions that came before the first worker."""
        self._forgotten: dict[str, None] = {}
        self._numbers = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger("search")

    @property
    def indexed(self) -> int:
        """Entries that were read into the index, since the hub started."""
        return self._indexed_before + self.figures.indexed

    @property
    def pid(self) -> int | None:
        """Of the worker, while there is one."""
        return None if self._process is None else self._process.pid

    # Questions.

    def ask(self, peer: Peer, id: str, question: Question) -> None:
        """Answer `peer` with what the worker finds.

        Raises:
            FrameError: `busy`, when this account, or everybody, asks too much; `unavailable`
                while the worker is started again.
        """
        if peer.handle in self._asking or len(self._open) >= OPEN_MAX:
            raise FrameError(Code.BUSY, id)
        if self._ended or not self._services.settings.search:
            raise FrameError(Code.UNAVAILABLE, id)
        self._numbers = question.number = self._numbers + 1
        loop = asyncio.get_running_loop()
        timer = loop.call_later(QUESTION_S, self._fail, question.number, Code.BUSY)
        self._open[question.number] = _Open(peer, id, timer)
        self._asking.add(peer.handle)
        self.asked += 1
        if self._process is None:
            self._waiting.append(question)
            self._wanted.set()
        else:
            self._process.pipe.send(question)

    async def forget(self, author: str) -> None:
        """An account was erased: its words go out of the index, soon."""
        if not self._services.settings.search:
            return
        self._forgotten[author] = None
        if self._process is not None:
            self._process.pipe.send(Forget(author))

    # The worker.

    async def run(self) -> None:
        """Keep a worker running, until cancelled."""
        if not self._services.settings.search:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(START_S):
                await self._wanted.wait()
        loop, failures = asyncio.get_running_loop(), 0
        while True:
            begun = loop.time()
            try:
                how = await self._live()
            except OSError as error:
                how = str(error)
            finally:
                self._ended = True
                for number in list(self._open):
                    self._fail(number, Code.UNAVAILABLE)
            failures = 0 if loop.time() - begun > STEADY_S else failures + 1
            pause = PAUSES_S[min(failures, len(PAUSES_S)) - 1]
            self._log.warning("the search worker has ended", how=how, again_in_s=pause)
            await asyncio.sleep(pause)
            self.restarts += 1

    async def _live(self) -> str:
        """The life of one worker; how it ended."""
        self._ended = False
        process = await SearchProcess.start()
        telling: asyncio.Task[None] | None = None
        try:
            process.pipe.send(self._start)
            for author in self._forgotten:
                process.pipe.send(Forget(author))
            waiting, self._waiting = self._waiting, []
            for question in waiting:
                process.pipe.send(question)
            self._process = process
            telling = asyncio.create_task(self._tell(process))
            await self._listen(process)
        finally:
            self._process = None
            self._indexed_before += self.figures.indexed
            self.figures.indexed = 0
            if telling is not None:
                telling.cancel()
            how = await process.end()
        return how

    async def _tell(self, process: SearchProcess) -> None:
        """Tell which boxes have grown. Nobody counts anything for it: positions are compared."""
        hub, told = self._services.hub, dict[str, int]()
        while True:
            boxes, known = list(hub.boxes()), dict[str, int]()
            for start in range(0, len(boxes), BOXES_PER_LOOK):
                grown: dict[str, int] = {}
                for box in boxes[start : start + BOXES_PER_LOOK]:
                    name, seq = box.name, box.seq
                    known[name] = seq
                    if told.get(name) != seq:
                        grown[name] = seq
                if grown:
                    process.pipe.send(Changed(grown))
                await asyncio.sleep(0)
            told = known
            await asyncio.sleep(TELL_S)

    async def _listen(self, process: SearchProcess) -> None:
        """Take what the worker says, to its end."""
        while (message := await process.pipe.receive()) is not None:
            if isinstance(message, Found):
                self._answer(message)
            elif isinstance(message, Failed):
                self._fail(message.number, Code(message.code))
            elif isinstance(message, Figures):
                self.figures = message
            elif isinstance(message, Keys):
                task = asyncio.create_task(self._find_keys(process, message))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _find_keys(self, process: SearchProcess, asked: Keys) -> None:
        """Ask the other regions in the worker's place."""
        ask_far = self._services.seals.ask_far
        found: dict[str, bytes] = {}
        if ask_far is not None:
            with suppress(KeysError):
                found = dict(await ask_far(asked.names))
        process.pipe.send(KeysFound(asked.number, found))

    # Answers.

    def _answer(self, found: Found) -> None:
        asked = self._done(found.number)
        if asked is None:
            return
        peer, party = asked.peer, asked.peer.party
        if party is None or peer.gone:
            return
        hits = [
            Hit(entry, snippet)
            for entry, snippet in found.hits
            if entry.box == peer.handle or entry.box in party.rooms  # it may have left meanwhile
        ]
        peer.send(FoundPage(asked.id, hits, found.after or UNSET, found.behind))

    def _fail(self, number: int, code: Code) -> None:
        asked = self._done(number)
        if asked is not None and not asked.peer.gone:
            asked.peer.refuse(code, asked.id)

    def _done(self, number: int) -> _Open | None:
        asked = self._open.pop(number, None)
        if asked is not None:
            asked.timer.cancel()
            self._asking.discard(asked.peer.handle)
        return asked
