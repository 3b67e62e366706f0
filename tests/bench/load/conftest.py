from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from bench.load.worker import Worker

from .fake_hub import FakeHub, Planted, fake_hub

Enter = Callable[..., AbstractAsyncContextManager[tuple[FakeHub, Worker]]]


@pytest.fixture
def entered() -> Enter:
    """A hub with planted faults, and the generator's worker with accounts there."""

    @asynccontextmanager
    async def enter(
        number: int = 4, planted: Planted | None = None, dialect: str = "json", room: bool = False
    ) -> AsyncIterator[tuple[FakeHub, Worker]]:
        async with fake_hub(planted or Planted()) as hub:
            worker = Worker([("127.0.0.1", hub.port)], dialect)
            await worker.enter(number)
            if room:
                await worker.join()
            yield hub, worker
            worker.close()

    return enter
