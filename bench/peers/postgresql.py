"""PostgreSQL as a ledger, the most common alternative: one core, a Unix socket, its own `pgbench`.

A transfer costs it least in the form of one function; the ledger is in ``programs/ledger.sql``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bench.limits.figures import Window, figures

from . import install, pgbench, postgres_server
from .payments import PaymentSystem
from .peer import Peer

ACCOUNTS = 10_000
"""Few enough to be cached, enough that rows are not fought for: its friendliest case."""
OPENING = 10**9
LEDGER = Path(__file__).with_name("programs") / "ledger.sql"


@dataclass
class PostgreSQL(PaymentSystem):
    """A running PostgreSQL; `host` is the folder of its socket."""

    programs: Path = field(default_factory=Path)
    env: dict[str, str] = field(default_factory=dict)

    def play(
        self,
        *,
        seconds: float,
        warm_up: float,
        to: str = "uniform",
        rate: float | None = None,
        **plan: Any,
    ) -> dict[str, Any]:
        """See `PaymentSystem.play`. With `rate`, open loop, as many transfers a second."""
        del plan  # what else is in it has no meaning here
        script = Path(self.host, "transfer.sql")
        script.write_text(pgbench.script(to, ACCOUNTS))
        command = [str(self.programs / "pgbench"), "--no-vacuum", "--protocol=prepared", "--jobs=1"]
        command += [f"--client={pgbench.CLIENTS}", f"--file={script}"]
        command += [f"--rate={rate}"] if rate else []
        _, lines = self.audit()
        log = Path(self.host, "log")
        window = (warm_up, seconds)
        run = pgbench.run(command, self.env, log, self.pids["server"], window)
        wrong, lines_after = self.audit()
        sent, kept = len(run.transactions), lines_after - lines
        faults = {"unbalanced": wrong, "lost": max(0, sent - kept), "doubled": max(0, kept - sent)}
        cpu = {"server": run.server_cpu}
        seen = Window(run.ended - run.begun, sent, run.own_cpu, cpu, faults)
        within = (one for one in run.transactions if run.begun <= one.done < run.ended)
        return figures(seen, {"payment": [one.took for one in within]})

    def audit(self) -> tuple[int, int]:
        """Accounts whose balance is not what the journal says, and lines in the journal."""
        wrong, lines = self.ask(f"SELECT * FROM audit({OPENING})").split("|")
        return int(wrong), int(lines)

    def ask(self, query: str) -> str:
        """What a query answers, as psql prints it without a table.

        Raises:
            BenchError: if it fails.
        """
        return postgres_server.psql(self.programs, self.env, "-c", query)


@contextmanager
def _running(name: str, durability: str, commit: str, folder: Path) -> Iterator[PostgreSQL]:
    with postgres_server.running(folder, {"synchronous_commit": commit}) as server:
        postgres_server.psql(server.programs, server.env, "-f", str(LEDGER))
        accounts = f"SELECT n, {OPENING} FROM generate_series(1, {ACCOUNTS}) AS n"
        system = PostgreSQL(
            name,
            str(server.folder),
            0,
            durability,
            {"server": server.pid},
            dialect="",
            programs=server.programs,
            env=server.env,
        )
        system.ask(f"INSERT INTO account {accounts}")
        system.ask("VACUUM ANALYZE")
        yield system


def peer(name: str, words: str, durability: str, commit: str) -> Peer:
    """A PostgreSQL whose ``synchronous_commit`` is `commit`; `words` say what an answer means."""
    return Peer(
        name,
        f"PostgreSQL, a transfer is one call of a function; {words}",
        "",
        durability,
        frozenset({"pay"}),
        missing=postgres_server.missing,
        install=lambda folder: install.debian(folder, postgres_server.PACKAGE),
        start=partial(_running, name, durability, commit),
    )


PEER = peer("postgresql", "an answer says that it is on disk", "disk", "on")
