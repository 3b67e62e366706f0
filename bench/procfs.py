"""What the kernel knows: CPU time, memory and children of other processes, cores, stolen time."""

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


def peak_bytes(pid: int) -> int:
    """The most memory that process `pid` had in RAM since `forget_peak`, or since it began."""
    return 1024 * _kilobytes(Path(f"/proc/{pid}/status"), "VmHWM:")


def forget_peak(pid: int) -> None:
    """Let `peak_bytes` of process `pid` start anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def kernel_bytes() -> int:
    """What the kernel itself keeps in memory: its objects (slab) and the sockets' buffers.

    It is the whole machine's; only a difference says something.
    """
    slab = 1024 * _kilobytes(Path("/proc/meminfo"), "Slab:")
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        if line.startswith("TCP:"):
            return slab + int(line.split()[-1]) * os.sysconf("SC_PAGE_SIZE")
    return slab


def stolen() -> tuple[int, int]:
    """Ticks that the hypervisor took from this machine so far, and all ticks so far."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return ticks[7], sum(ticks)


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


def _kilobytes(path: Path, name: str) -> int:
    for line in path.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise OSError(f"{path} does not say {name}")
