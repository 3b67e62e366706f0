"""`teller admin audit`: opens the store, checks all books, says what it found."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from protocol.money import format_money

from .ledger import library
from .ledger.audit import AuditReport, audit
from .store.client import redis_client
from .store.directory import DataDirectory
from .store.embedded import EmbeddedStore
from .store.endpoint import Endpoint, StoreError, parse_url


def run(data: Path, store: str | None) -> int:
    """Audit the store at `store`, or the embedded one in `data`; 0 if the books balance."""
    return asyncio.run(_run(data, store))


async def _run(data: Path, store: str | None) -> int:
    async with _opened(data, store) as endpoint:
        client = redis_client(endpoint, timeout=30.0)
        try:
            await library.ensure(client)
            report = await _with_progress(client)
        finally:
            await client.aclose()
    _print(report)
    return 0 if report.ok else 1


@asynccontextmanager
async def _opened(data: Path, store: str | None) -> AsyncIterator[Endpoint]:
    """The store, which is started for the time being if no hub has it open."""
    if store is not None:
        yield parse_url(store)
        return
    if not data.is_dir():  # noqa: ASYNC240 (once, before anything runs)
        raise StoreError(f"there is no data directory {data}")
    embedded = EmbeddedStore(data, "disk")
    running = DataDirectory(data).hub_lock.holder() is not None
    if not running:
        await embedded.start()
    try:
        yield embedded.endpoint
    finally:
        if not running:
            await embedded.stop()


async def _with_progress(client: object) -> AuditReport:
    """The audit, with a bar on the terminal if there is one."""
    console = Console(stderr=True)
    columns = (TextColumn("reading boxes"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("audit", total=None)

        def progress(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of)

        return await audit(client, progress)  # type: ignore[arg-type]


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
