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
from .ledger.keys import META, Keyspace, slot_of
from .ledger.shelf import Client
from .store.client import cluster_client, redis_client
from .store.discovery import ask_at, is_cluster, primaries
from .store.opened import opened

ANSWER_S = 30.0
"""How long the store may take for one answer: the audit reads long boxes in pages."""


def run(data: Path, store: str | None) -> int:
    """Audit the store at `store`, or the embedded one in `data`; 0 if the books balance."""
    return asyncio.run(_run(data, store))


async def _run(data: Path, store: str | None) -> int:
    async with opened(data, store) as endpoint:
        for server in await primaries(endpoint):
            async with redis_client(server) as one:
                await library.ensure(one)
        partitions = await ask_at(endpoint, slot_of(META), "HGET", META, "partitions")
        keyspace = Keyspace(int(partitions) if isinstance(partitions, bytes) else 1)
        kind = cluster_client if await is_cluster(endpoint) else redis_client
        client = kind(endpoint, timeout=ANSWER_S)
        try:
            report = await _with_progress(client, keyspace)
        finally:
            await client.aclose()
    _print(report)
    return 0 if report.ok else 1


async def _with_progress(client: Client, keyspace: Keyspace) -> AuditReport:
    """The audit, with a bar on the terminal if there is one."""
    console = Console(stderr=True)
    columns = (TextColumn("reading boxes"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("audit", total=None)

        def progress(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of)

        return await audit(client, keyspace, progress)


def _print(report: AuditReport) -> None:
    print(
        f"{report.accounts} accounts, {report.rooms} rooms, {report.entries} entries, "
        f"{report.payments} payments and deposits replayed"
    )
    for currency, amount in sorted(report.circulation.items()):
        print(f"in circulation: {format_money(amount, currency)}")
    for currency, amount in sorted(report.in_transit.items()):
        print(f"of which between partitions: {format_money(amount, currency)}")
    for currency, amount in sorted(report.waiting.items()):
        print(f"not accepted yet in other regions: {format_money(amount, currency)}")
    for words, sums in (("sent to", report.sent), ("come from", report.come)):
        for region, amounts in sorted(sums.items()):
            for currency, amount in sorted(amounts.items()):
                print(f"ever {words} region {region}: {format_money(amount, currency)}")
    for finding in report.findings:
        print(f"WRONG: {finding}")
    print("The books balance." if report.ok else f"{len(report.findings)} things are wrong.")
