"""A connection to a hub of another region: questions go out, answers come back, in any order.

It is there again by itself. A question without an answer has an unknown outcome and may be asked
again: whatever is asked here is idempotent.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from ..edge.handshake import LINK_SUBPROTOCOL
from .frames import (
    Answer,
    Call,
    Challenge,
    Failed,
    Hail,
    Proof,
    Question,
    Ready,
    Reply,
    decode_told,
    encode,
)
from .places import Places, Region
from .proof import new_nonce, proof_of, proves

LINK_BYTES_MAX = 4 * 1024 * 1024
"""Largest message between regions: a few legs of the largest size, and room to spare."""
OPEN_TIMEOUT_S = 5.0
PING_INTERVAL_S = 2.0
PING_TIMEOUT_S = 4.0
"""A link without a sign of life for both together is broken; the longest way round the earth and
back takes less than half a second."""
ANSWER_TIMEOUT_S = 12.0
"""Longer than a pipeline tries while its store fails over. A hub that has not answered by then is
in trouble: the next connection may find another."""
WATCH_S = 1.0
FIRST_S = 2.0
"""How long questions to the directory wait for the first connection."""
PAUSES_S = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Between attempts; the last one repeats. Each is drawn from its half to its whole."""


class Unreachable(Exception):
    """There is no answer: it is not known whether anything happened."""


class Unfit(Exception):
    """The other side is not who it should be; the message says why."""


class Link:
    """The connection of this hub to the region `region`."""

    def __init__(self, places: Places, region: Region) -> None:
        self.region = region.name
        self.up = False
        self.on_up: list[Callable[[], None]] = []
        """Called whenever the link is there again."""
        self.losses = 0
        self._met = asyncio.Event()
        """It was up once, or somebody has waited long enough for that."""
        self._places = places
        self._to = region
        self._numbers = itertools.count(1)
        self._asked: dict[int, tuple[asyncio.Future[Reply], float]] = {}
        """Calls without an answer, oldest first, and when they were made."""
        self._out: deque[bytes] = deque()
        self._more = asyncio.Event()
        self._said = ""
        """The last trouble that was logged."""
        self._log = structlog.get_logger("regions")

    def send(self, question: Question) -> asyncio.Future[Reply]:
        """Ask; questions leave in the order of these calls. The future answers, or raises
        `Unreachable`.

        Raises:
            Unreachable: nothing was sent.
        """
        if not self.up:
            raise Unreachable(f"there is no link to region {self.region}")
        loop = asyncio.get_running_loop()
        number = next(self._numbers)
        future: asyncio.Future[Reply] = loop.create_future()
        self._asked[number] = future, loop.time()
        self._out.append(encode(Call(number, question)))
        self._more.set()
        return future

    async def ask(self, question: Question) -> Reply:
        """The same, and wait for the answer.

        Raises:
            Unreachable: there is none.
        """
        return await self.send(question)

    async def met(self) -> None:
        """Give a hub that has just started a moment to connect."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_S):
                await self._met.wait()
        self._met.set()

    async def run(self) -> None:
        """Be connected, until cancelled."""
        attempts = 0
        while True:
            try:
                async with connect(
                    self._to.link,
                    subprotocols=[Subprotocol(LINK_SUBPROTOCOL)],
                    compression=None,
                    proxy=None,
                    max_size=LINK_BYTES_MAX,
                    open_timeout=OPEN_TIMEOUT_S,
                    ping_interval=PING_INTERVAL_S,
                    ping_timeout=PING_TIMEOUT_S,
                    close_timeout=1.0,
                ) as socket:
                    async with asyncio.timeout(OPEN_TIMEOUT_S):
                        await self._meet(socket)
                    attempts = 0
                    await self._connected(socket)
            except (OSError, WebSocketException, Unfit, ValueError) as error:
                self._trouble(error)
            finally:
                self._broken()
            pause = PAUSES_S[min(attempts, len(PAUSES_S) - 1)]
            attempts += 1
            await asyncio.sleep(random.uniform(pause / 2, pause))

    # Private.

    async def _meet(self, socket: ClientConnection) -> None:
        """See that the other side is a hub of the region that we want, and prove who we are."""
        places, to = self._places, self._to
        hail = Hail(places.own, to.name, places.here.partitions, new_nonce())
        await socket.send(encode(hail))
        told = decode_told(_bytes(await socket.recv()))
        if not isinstance(told, Challenge):
            raise Unfit("it does not prove itself")
        wanted = proof_of(places.secret, "answers", hail, told.partitions, told.nonce)
        if not proves(told.proof, wanted):
            raise Unfit("it does not know the regions' secret")
        if told.partitions != to.partitions:
            raise Unfit(f"it has {told.partitions} partitions, regions.toml says {to.partitions}")
        proof = proof_of(places.secret, "dials", hail, told.partitions, told.nonce)
        await socket.send(encode(Proof(proof)))
        if not isinstance(decode_told(_bytes(await socket.recv())), Ready):
            raise Unfit("it does not believe us")

    async def _connected(self, socket: ClientConnection) -> None:
        self.up = True
        self._met.set()
        self._said = ""
        self._log.info("a link is there", region=self.region)
        for tell in self.on_up:
            tell()
        parts = (self._read(socket), self._write(socket), self._watch())
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, socket: ClientConnection) -> None:
        async for data in socket:
            told = decode_told(_bytes(data))
            if not isinstance(told, Answer):
                raise Unfit("it says what nobody asked")
            self._answered(told)
        raise Unfit("it has closed the link")

    def _answered(self, told: Answer) -> None:
        asked = self._asked.pop(told.number, None)
        if asked is None or asked[0].done():
            return
        if isinstance(told.reply, Failed):
            _fail(asked[0], f"region {self.region} could not tell")
        else:
            asked[0].set_result(told.reply)

    async def _write(self, socket: ClientConnection) -> None:
        while True:
            while self._out:
                await socket.send(self._out.popleft())
            self._more.clear()
            await self._more.wait()

    async def _watch(self) -> None:
        """End the connection where an answer is overdue."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(WATCH_S)
            oldest = next(iter(self._asked.values()), None)
            if oldest is not None and oldest[1] + ANSWER_TIMEOUT_S < loop.time():
                raise Unfit("it does not answer")

    def _broken(self) -> None:
        """Nothing of what was asked is answered any more."""
        if self.up:
            self.losses += 1
        self.up = False
        self._out.clear()
        asked, self._asked = self._asked, {}
        for future, _ in asked.values():
            if not future.done():
                _fail(future, f"the link to region {self.region} broke")

    def _trouble(self, error: Exception) -> None:
        said = str(error) or repr(error)
        if said != self._said:
            self._said = said
            self._log.warning("no link to a region", region=self.region, why=said[:300])


def _fail(future: asyncio.Future[Reply], why: str) -> None:
    future.set_exception(Unreachable(why))
    future.exception()  # nobody need look at it; whoever waits gets it all the same


def _bytes(data: str | bytes) -> bytes:
    if isinstance(data, str):
        raise ValueError("the link carries no text")
    return data
