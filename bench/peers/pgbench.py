"""PostgreSQL's own load program, `pgbench`, as the driver of its transfers.

It keeps a number of clients busy (closed loop) or follows a Poisson schedule (open loop, where its
latency counts from the scheduled time, as the generator's does). Its log has every transaction, so
a window is cut out of a longer run and the warm-up does not count.
"""

from __future__ import annotations

import math
import os
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench import procfs, systems
from bench.errors import BenchError

CLIENTS = 32
"""Connections, each with one transfer on its way: where its throughput peaked here (of 16, 32, 64,
128). The commits of all of them share a sync."""
USER = "teller"
START_SECONDS = 20
MARGIN_SECONDS = 1.0
"""How much longer than its window a run is at least: until we know that it began."""
ZIPF = 0.99


@dataclass(frozen=True)
class Transaction:
    """One line of the log; times are nanoseconds since the epoch, and durations."""

    done: int
    took: int


@dataclass
class Run:
    """All transactions of a run of pgbench, and what was read around its window."""

    transactions: list[Transaction]
    begun: int
    ended: int
    own_cpu: int
    server_cpu: int


def script(to: str, accounts: int) -> str:
    """A pgbench script of transfers of one minor unit to whom `to` says; the payer is anyone else.

    Raises:
        BenchError: if `to` is none of ``uniform``, ``pair``, ``zipf`` and ``hot``.
    """
    if to not in ("uniform", "pair", "zipf", "hot"):
        raise BenchError(f"PostgreSQL is not asked to pay {to!r}")
    rank = {"hot": "1", "zipf": "least(:drawn, :accounts)"}.get(to, "random(1, :accounts)")
    lines = [
        f"\\set accounts {accounts}",
        *(_zipf(accounts) if to == "zipf" else ()),
        f"\\set payee :accounts + 1 - {rank}",  # rows are locked by their id: the busiest one last
        "\\set payer 1 + mod(:payee - 1 + random(1, :accounts - 1), :accounts)",
        "SELECT transfer(:payer, :payee, 1);",
    ]
    return "\n".join(lines) + "\n"


def _zipf(number: int) -> list[str]:
    """A draw by Gray's method ("Quickly generating billion-record synthetic databases", SIGMOD
    1994), which YCSB uses too; pgbench's own knows no exponent below 1.001."""
    total = sum(rank**-ZIPF for rank in range(1, number + 1))
    second = 1 + 0.5**ZIPF
    eta = (1 - (2 / number) ** (1 - ZIPF)) / (1 - second / total)
    tail = f"{number} * pow({eta:.12f} * :draw + {1 - eta:.12f}, {1 / (1 - ZIPF):.6f})"
    return [
        "\\set draw random(0, 999999999) / 1000000000.0",
        f"\\set mass :draw * {total:.12f}",
        "\\set drawn case when :mass < 1 then 1 "  # int() rounds to the nearest
        f"when :mass < {second:.12f} then 2 else 1 + int({tail} - 0.5) end",
    ]


def run(
    command: list[str],
    env: dict[str, str],
    log: Path,
    server: int,
    window: tuple[float, float],
) -> Run:
    """Run pgbench (`command`, without its duration) and look at a `window` of it: seconds to warm
    up, and seconds that count. `log` is the prefix of its log files, `server` the postmaster's
    process id.

    Raises:
        BenchError: if it fails.
    """
    warm_up, seconds = window
    whole = math.ceil(warm_up + seconds + MARGIN_SECONDS)
    command = [*command, "--time", str(whole), "--log", "--log-prefix", str(log)]
    words, cores = log.with_suffix(".out"), procfs.two_cores()
    with words.open("wb") as out, systems.process(command, out, env) as child:
        if cores:
            procfs.pin(child.pid, cores[1])
        _await_clients(child, server)
        time.sleep(warm_up)
        if child.poll() is not None:
            raise BenchError(f"pgbench ended early:\n{words.read_text()[-1_000:]}")
        before = time.time_ns(), procfs.cpu_ns(child.pid), tree_cpu_ns(server)
        time.sleep(seconds)
        after = time.time_ns(), procfs.cpu_ns(child.pid), tree_cpu_ns(server)
        try:
            child.wait(START_SECONDS + whole)
        except subprocess.TimeoutExpired:
            raise BenchError("pgbench does not end") from None
    if child.returncode:
        raise BenchError(f"pgbench failed:\n{words.read_text()[-1_000:]}")
    lines = log.with_name(f"{log.name}.{child.pid}")
    transactions = read_log(lines)
    lines.unlink()
    spent = (b - a for a, b in zip(before[1:], after[1:], strict=True))
    ended = min(after[0], max((one.done for one in transactions), default=0))
    return Run(transactions, before[0], ended, *spent)


def read_log(path: Path) -> list[Transaction]:
    """The transactions in a log of pgbench, one a line: client, number, µs that it took, script,
    seconds and µs of its end since the epoch, and in open loop how late it began, which is in what
    it took."""
    found = []
    for line in path.read_text().splitlines():
        _, _, took, _, epoch, micro, *_ = line.split()
        found.append(Transaction(int(epoch) * 10**9 + int(micro) * 1_000, int(took) * 1_000))
    return found


def tree_cpu_ns(pid: int) -> int:
    """CPU time of process `pid`, of its children, and of those that ended (these in steps of a
    clock tick, 10 ms), in nanoseconds."""
    total = procfs.cpu_ns(pid)
    ended = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[13:15]
    total += sum(map(int, ended)) * 10**9 // os.sysconf("SC_CLK_TCK")
    for child in procfs.descendants(pid):
        try:
            total += procfs.cpu_ns(child)
        except OSError:  # it has just ended
            continue
    return total


def _await_clients(child: subprocess.Popen[bytes], server: int) -> None:
    """Until all clients are connected: transactions begin then."""
    deadline = time.monotonic() + START_SECONDS
    while child.poll() is None and _clients(server) < CLIENTS:
        if time.monotonic() > deadline:
            raise BenchError("pgbench cannot connect all of its clients")
        time.sleep(0.01)


def _clients(server: int) -> int:
    """Processes that serve a client: their title says for whom. A query would wait its turn
    behind all the others."""
    number = 0
    for pid in procfs.descendants(server):
        with suppress(OSError):  # it has just ended
            title = Path(f"/proc/{pid}/cmdline").read_bytes()
            number += title.startswith(f"postgres: {USER} ".encode())
    return number
