"""Refresh the tables of docs/operations.md that are generated from the code and a real hub."""

import asyncio
import tempfile
from pathlib import Path

from tests.support import Hub

from .tables import PAGE, refreshed


async def main() -> None:
    """Start a hub, ask it for its metrics, write the page."""
    with tempfile.TemporaryDirectory() as folder:
        hub = await Hub.start(Path(folder) / "data")
        exposition = hub.app.site.answer("/metrics")[2]
        await hub.stop()
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(refreshed(page, exposition), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
