"""Who reads which box into the index: at most one of the workers that share it, at a time.

Only work is saved by it: the index itself takes nothing twice.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

FILE = "claims"


class Claims:
    """The claims of one worker: locked bytes of a file, which the kernel frees when it dies."""

    def __init__(self, folder: Path) -> None:
        self._descriptor = os.open(folder / FILE, os.O_RDWR | os.O_CREAT, 0o600)
        self._held: set[int] = set()

    @contextmanager
    def claim(self, boxes: list[str]) -> Iterator[list[str]]:
        """Those of `boxes` that nobody else has claimed; they are ours meanwhile."""
        taken = {box: place for box in boxes if (place := self._take(box)) is not None}
        try:
            yield list(taken)
        finally:
            for place in taken.values():
                self._held.discard(place)
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, place)

    def close(self) -> None:
        """Give up everything."""
        os.close(self._descriptor)

    def _take(self, box: str) -> int | None:
        place = crc32(box.encode())
        if place in self._held:
            return None
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except OSError:
            return None
        self._held.add(place)
        return place
