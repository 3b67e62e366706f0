"""The disk: how often a second what was appended can be made durable, one sync after another."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from time import monotonic_ns, process_time_ns
from typing import Any

from bench.errors import BenchError

from .figures import Window, figures

SIZES = (200, 4_096, 65_536)
"""Bytes: one entry, a page, a tick's worth of entries under full load."""


def measure(folder: Path, *, size: int, seconds: float, **plan: Any) -> dict[str, Any]:
    """Append `size` bytes and wait for the disk, again and again, in a file of its own in `folder`
    (which should be on the disk that the data directories are on).

    Raises:
        BenchError: if nothing can be written there.
    """
    del plan  # what else is in it has no meaning here
    took: list[int] = []
    try:
        with tempfile.TemporaryFile(prefix="teller-bench-", dir=folder, buffering=0) as file:
            descriptor, data = file.fileno(), os.urandom(size)
            own, began = process_time_ns(), monotonic_ns()
            now = began
            while now - began < seconds * 1e9:
                os.write(descriptor, data)
                os.fdatasync(descriptor)
                last, now = now, monotonic_ns()
                took.append(now - last)
            spent = process_time_ns() - own
    except OSError as error:
        raise BenchError(f"{folder}: {error.strerror}") from error
    window = Window(now - began, len(took), spent, {"server": spent})
    return figures(window, {"sync": took})
