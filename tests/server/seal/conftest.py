"""What the tests of sealing share: files searched for words, and servers that hold keys."""

from __future__ import annotations

from pathlib import Path

from tests.server.relay.conftest import hubs, make_hubs
from tests.store.conftest import plain_server
from tests.support import Client

__all__ = ["bytes_of", "hubs", "make_hubs", "plain_server", "texts"]


def bytes_of(folder: Path) -> bytes:
    """All that stands in the files of a folder, one behind the other."""
    files = (one for one in sorted(folder.rglob("*")) if one.is_file())
    return b"\n".join(one.read_bytes() for one in files)


async def texts(client: Client, box: str) -> list[tuple[str, str | None]]:
    """The words of a box, and why they are gone."""
    page = await client.ask("history", box=box)
    assert page["type"] == "history", page
    wordy = [one for one in page["entries"] if "text" in one or "gone" in one]
    return [(one.get("text", ""), one.get("gone")) for one in wordy]
