"""Several workers in processes of their own, torn down whatever happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.workers.crew import Crew


@pytest.fixture
async def crew(tmp_path: Path) -> AsyncIterator[Crew]:
    """Two workers and their parent, not started yet."""
    crew = Crew(tmp_path / "da ta%41?")  # a path that means something in a URL
    crew.options = ("--workers", "2")
    yield crew
    await crew.close()
