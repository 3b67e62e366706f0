"""The search worker: one process beside each hub, with its own connections and little priority."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import time
from collections.abc import Coroutine, Mapping

import structlog

from protocol.errors import Code

from ..ledger.keys import Keyspace, slot_of
from ..seal.keys import KeysError
from ..seal.opening import key_store
from ..seal.seals import Seals
from ..store.connection import Down, Lost, Refused, Wire
from ..store.discovery import open_stores
from ..store.endpoint import parse_url
from ..store.partition import Watch
from ..workers.pipe import Pipe
from .boxes import Boxes
from .finding import Finder
from .indexer import Indexer
from .keeper import Keeper
from .messages import (
    Changed,
    Failed,
    Figures,
    Forget,
    Keys,
    KeysFound,
    Question,
    Start,
    ToWorker,
)
from .standing import Standing

FIGURES_S = 2.0
KEYS_S = 2.0
"""How long the hub may take to find keys."""
QUESTION_S = 10.0
"""A question that has waited longer is not answered: the hub has given up on it."""


class _Reader(Watch):
    """Only reads, so there is nothing to prepare in a store, and nothing to do when it is back."""

    async def prepare_node(self, wire: Wire) -> None:
        return None

    async def prepare_partition(self, partition: int, wire: Wire) -> None:
        return None

    def on_up(self, partition: int) -> None:
        return None

    def on_down(self, partition: int) -> None:
        return None

    def on_message(self, name: bytes, payload: bytes) -> None:
        return None


class SearchWorker:
    """All of the worker, over the line `pipe` to its hub."""

    def __init__(self, pipe: Pipe[ToWorker], start: Start) -> None:
        self._pipe = pipe
        self._start = start
        self._questions: asyncio.Queue[tuple[float, Question]] = asyncio.Queue()
        self._numbers = itertools.count(1)
        self._keys: dict[int, asyncio.Future[Mapping[str, bytes]]] = {}
        self._log = structlog.get_logger("search")

    async def run(self) -> None:
        """Work until the hub is gone.

        Raises:
            StoreError, Down, Lost, Refused, OSError: there is no store, or no keys.
        """
        start = self._start
        keyspace = Keyspace(start.partitions)
        slots = [slot_of(keyspace.tag(one).encode()) for one in range(keyspace.partitions)]
        keys = key_store(start.keys, start.data)
        await keys.open()
        stores = await open_stores(parse_url(start.store), slots, _Reader())
        await stores.start()
        seals = Seals(keys)
        seals.ask_far = self._ask_hub
        boxes = Boxes(keyspace, stores)
        self._keeper = Keeper(start.folder, keys.index_key)
        self._indexer = Indexer(self._keeper, boxes, seals)
        self._finder = Finder(self._keeper, self._indexer, Standing(boxes, seals))
        await self._work(self._indexer.run(), self._answer_all(), self._tell_figures())
        self._keeper.close()
        await stores.stop()
        await seals.close()

    async def _work(self, *parts: Coroutine[None, None, None]) -> None:
        """Do all of it until the hub is gone; or until a part fails, which nobody expects."""
        tasks = [asyncio.create_task(part) for part in (self._listen(), *parts)]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _listen(self) -> None:
        """Take what the hub says, to its end."""
        while (message := await self._pipe.receive()) is not None:
            if isinstance(message, Question):
                self._questions.put_nowait((time.monotonic(), message))
            elif isinstance(message, Changed):
                self._indexer.changed(message.seqs)
            elif isinstance(message, Forget):
                self._indexer.forget(message.author)
            elif isinstance(message, KeysFound):
                asked = self._keys.get(message.number)
                if asked is not None and not asked.done():
                    asked.set_result(message.keys)

    async def _answer_all(self) -> None:
        while True:
            came, question = await self._questions.get()
            if time.monotonic() - came < QUESTION_S:
                await self._answer(question)

    async def _answer(self, question: Question) -> None:
        code = Code.UNAVAILABLE
        try:
            self._pipe.send(await self._finder.answer(question))
            return
        except (Down, Lost, Refused) as error:
            self._log.warning("a search could not ask the store", error=repr(error))
        except sqlite3.Error as error:
            self._keeper.failed(error)
        except Exception:
            self._log.exception("a search failed")
            code = Code.INTERNAL
        self._pipe.send(Failed(question.number, code))

    async def _tell_figures(self) -> None:
        while True:
            indexer = self._indexer
            try:
                index = self._keeper.index
                figures = Figures(indexer.behind, indexer.indexed, index.entries, index.size)
            except (OSError, sqlite3.Error):
                figures = Figures(indexer.behind, indexer.indexed)
            self._pipe.send(figures)
            await asyncio.sleep(FIGURES_S)

    async def _ask_hub(self, names: list[str]) -> Mapping[str, bytes]:
        """The keys of accounts of other regions, which only the hub has links to."""
        number = next(self._numbers)
        asked = self._keys[number] = asyncio.get_running_loop().create_future()
        self._pipe.send(Keys(number, names))
        try:
            async with asyncio.timeout(KEYS_S):
                found: Mapping[str, bytes] = await asked
                return found
        except TimeoutError:
            raise KeysError("the hub does not know the keys") from None
        finally:
            del self._keys[number]
