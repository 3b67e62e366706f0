"""`teller admin audit`: opens the store, checks all books, says what it found."""

from __future__ import annotations

import asyncio
from pathlib import Path

from protocol.money import format_money

from ..ledger.audit import AuditReport, audit
from ..ledger.keys import LOSSES
from .maintenance import bar, opened_shelf


def run(data: Path, store: str | None) -> int:
    """Audit the store at `store`, or the embedded one in `data`; 0 if the books balance."""
    return asyncio.run(_run(data, store))


async def _run(data: Path, store: str | None) -> int:
    async with opened_shelf(data, store) as shelf:
        with bar() as progress:
            report = await audit(shelf.store, shelf.keyspace, progress)
    _print(report)
    return 0 if report.ok else 1


def _print(report: AuditReport) -> None:
    print(
        f"{report.accounts} accounts, {report.rooms} rooms, {report.entries} entries, "
        f"{report.payments} payments and deposits replayed"
    )
    for currency, amount in sorted(report.circulation.items()):
        print(f"in circulation: {format_money(amount, currency)}")
    for currency, amount in sorted(report.in_transit.items()):
        print(f"of which between partitions: {format_money(amount, currency)}")
    for currency, amount in sorted(report.lost.items()):
        print(f"lost at one end of a lane, owed by {LOSSES}: {format_money(amount, currency)}")
    for currency, amount in sorted(report.waiting.items()):
        print(f"not accepted yet in other regions: {format_money(amount, currency)}")
    for words, sums in (("sent to", report.sent), ("come from", report.come)):
        for region, amounts in sorted(sums.items()):
            for currency, amount in sorted(amounts.items()):
                print(f"ever {words} region {region}: {format_money(amount, currency)}")
    for finding in report.findings:
        print(f"WRONG: {finding}")
    print("The books balance." if report.ok else f"{len(report.findings)} things are wrong.")
