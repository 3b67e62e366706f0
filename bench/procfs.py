"""What the kernel knows of other processes: CPU time, memory, children, cores."""

from __future__ import annotations

import os
import time
from pathlib import Path


def cpu_ns(pid: int) -> int:
    """CPU time that process `pid` has used, all its threads, in nanoseconds.

    Raises:
        OSError: if there is no such process.
    """
    # The kernel's own clock of another process (clock_getcpuclockid(3)): exact, where
    # /proc/<pid>/stat counts in hundredths of a second.
    return time.clock_gettime_ns((~pid << 3) | 2)


def resident_bytes(pid: int) -> int:
    """Memory of process `pid` that is in RAM."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def descendants(pid: int) -> dict[int, str]:
    """The processes below `pid`, each with its command's name."""
    parents: dict[int, tuple[int, str]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            head, _, tail = (entry / "stat").read_text().rpartition(")")
        except OSError:  # it has just ended
            continue
        parents[int(entry.name)] = (int(tail.split()[1]), head.partition("(")[2])
    found, news = {}, {pid}
    while news:
        news = {child for child, (parent, _) in parents.items() if parent in news}
        found.update({child: parents[child][1] for child in news})
    return found


def pin(pid: int, core: int) -> None:
    """Bind all threads of process `pid` to one core."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})


def two_cores() -> tuple[int, int] | None:
    """A core for the system under test and one for the rest; none on a machine with one core."""
    cores = sorted(os.sched_getaffinity(0))
    return (cores[0], cores[1]) if len(cores) > 1 else None
