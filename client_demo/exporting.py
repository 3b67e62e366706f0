"""Everything an account has, written to files: JSON for programs, and a page to read.

The hub answers `export` with what it keeps besides entries; the entries come from `history`, page
by page, so that any account can be exported, however long it was used.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

from .client import Client
from .events import Frame
from .export_page import page
from .private import write_private

PAGE = 200


async def export(client: Client, folder: Path) -> tuple[Path, Path]:
    """Write `teller-alice.json` and `teller-alice.html` into `folder`; returns both paths. Only we
    may read them.

    Raises:
        RefusedError: if the hub refuses.
        LinkError: if the link ends before all is there.
        OSError: if the files cannot be written.
    """
    report = await client.ask({"type": "export"})
    boxes = {box: [entry async for entry in _entries(client, box)] for box in report["boxes"]}
    everything = {name: value for name, value in report.items() if name not in ("type", "id")}
    everything["entries"] = boxes
    return await asyncio.to_thread(_write, folder, everything, client.model.me)


def _write(folder: Path, everything: Frame, me: str) -> tuple[Path, Path]:
    folder = folder.expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    name = f"teller-{me.removeprefix('@')}"
    data, readable = folder / f"{name}.json", folder / f"{name}.html"
    write_private(data, json.dumps(everything, ensure_ascii=False, indent=1) + "\n")
    write_private(readable, page(everything, me))
    return data, readable


async def _entries(client: Client, box: str) -> AsyncIterator[Frame]:
    """All entries of a box, oldest first."""
    after = 0
    while True:
        question = {"type": "history", "box": box, "after": after, "limit": PAGE}
        answer = await client.ask(question)
        for entry in answer["entries"]:
            yield entry
            after = entry["seq"]
        if not answer["more"] or not answer["entries"]:
            return
