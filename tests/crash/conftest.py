"""A town on a hub of its own, torn down whatever happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.crash.hub_process import HubProcess
from tests.crash.town import Town


@pytest.fixture
async def hub_process(tmp_path: Path) -> AsyncIterator[HubProcess]:
    """Not started yet."""
    process = HubProcess(tmp_path / "data")
    yield process
    await process.close()


@pytest.fixture
async def town(hub_process: HubProcess) -> AsyncIterator[Town]:
    """Nobody has come yet."""
    town = Town(hub_process)
    yield town
    await town.leave()
