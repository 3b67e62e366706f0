"""`teller admin audit`: opens the store, checks all books, says what it found."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from protocol.money import format_money

from .ledger import library
from .ledger.audit import AuditReport, audit
from .ledger.keys import Keyspace
from .store.client import redis_client
from .store.opened import opened


def run(data: Path, store: str | None) -> int:
    """Audit the store at `store`, or the embedded one in `data`; 0 if the books balance."""
    return asyncio.run(_run(data, store))


async def _run(data: Path, store: str | None) -> int:
    async with opened(data, store) as endpoint:
        client = redis_client(endpoint, timeout=30.0)
        try:
            await library.ensure(client)
            report = await _with_progress(client)
        finally:
            await client.aclose()
    _print(report)
    return 0 if report.ok else 1


async def _with_progress(client: object) -> AuditReport:
    """The audit, with a bar on the terminal if there is one."""
    console = Console(stderr=True)
    columns = (TextColumn("reading boxes"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("audit", total=None)

        def progress(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of)

        return await audit(client, Keyspace(), progress)  # type: ignore[arg-type]


def _print(report: AuditReport) -> None:
    print(
        f"{report.accounts} accounts, {report.rooms} rooms, {report.entries} entries, "
        f"{report.payments} payments and deposits replayed"
    )
    for currency, amount in sorted(report.circulation.items()):
        print(f"in circulation: {format_money(amount, currency)}")
    for finding in report.findings:
        print(f"WRONG: {finding}")
    print("The books balance." if report.ok else f"{len(report.findings)} things are wrong.")
