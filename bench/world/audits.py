"""What the ledgers of all regions say for themselves: each one's audit, and whether they fit."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from server.ledger.audit import AuditReport, audit
from server.ledger.keys import Keyspace
from server.store.client import redis_client
from server.store.endpoint import Endpoint


def wrong_in(stores: Mapping[str, Path]) -> list[str]:
    """What is wrong with the books of the regions whose stores have these sockets: a sentence each.
    Nothing may be on its way between them meanwhile."""
    return unfit(asyncio.run(_audited(stores)))


def unfit(reports: Mapping[str, AuditReport]) -> list[str]:
    """What each region's audit found; where the money that one region has sent to another differs
    from what came there; and whether all accounts together have what was ever given."""
    found = [f"{name}: {words}" for name, report in reports.items() for words in report.findings]
    for name, report in reports.items():
        if report.waiting:  # strangers are welcome in these regions
            found.append(f"{report.waiting} of {name} never became anybody's in other regions")
    for source, report in reports.items():
        for dest, other in reports.items():
            sent, come = report.sent.get(dest, {}), other.come.get(source, {})
            if source != dest and sent != come:
                found.append(f"{source} has sent {sent} to {dest}, where {come} has come")
    held, given = Counter[str](), Counter[str]()
    for report in reports.values():
        held.update(report.held)
        given.update(report.circulation)
    if held != given:
        found.append(f"all accounts together have {dict(held)}, but were given {dict(given)}")
    return found


async def _audited(stores: Mapping[str, Path]) -> dict[str, AuditReport]:
    reports = {}
    for name, socket in stores.items():
        client = redis_client(Endpoint(unix_path=str(socket)))
        try:
            reports[name] = await audit(client, Keyspace(1))
        finally:
            await client.aclose()
    return reports
