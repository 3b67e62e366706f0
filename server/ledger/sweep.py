"""Forgets the duplicate marks of old posts without money. Those of money are kept for ever.

No key of Teller has a time to live: the sweeper walks the keyspace slowly, and the store's function
looks at each mark again before it deletes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence

import structlog

from .ids import MARK_MS
from .library import Commands

MARKS_PER_STEP = 200
PAUSE_S = 0.25
ROUND_S = 3600.0
"""Pause between two walks over the keyspace."""
SLACK_MS = 24 * 3600 * 1000
"""Marks live a day longer than ids may be old, for the sake of clients whose clock runs ahead."""


async def sweep_marks(servers: Callable[[], Sequence[Commands]]) -> None:
    """Run until cancelled; `servers` answers all primaries there are."""
    log = structlog.get_logger("sweeper")
    while True:
        await asyncio.sleep(ROUND_S)
        for store in servers():
            try:
                now = await store.execute_command("TIME")
                assert isinstance(now, list)
                before = int(now[0]) * 1000 - MARK_MS - SLACK_MS
                log.info("old marks forgotten", marks=await sweep_once(store, before, PAUSE_S))
            except Exception as error:  # the store may be away; the next round comes
                log.warning("sweep broken off", error=str(error))


async def sweep_once(store: Commands, before_ms: int, pause_s: float = 0.0) -> int:
    """One walk: forget marks without money from before `before_ms`; returns how many."""
    cursor, forgotten = 0, 0
    while True:
        answer = await store.execute_command(
            "SCAN", cursor, "MATCH", "{p*}d:*", "COUNT", MARKS_PER_STEP
        )
        assert isinstance(answer, list)
        cursor = int(answer[0])
        for marks in _by_partition(answer[1]):
            count = await store.execute_command(
                "FCALL", "teller_sweep", len(marks), *marks, before_ms
            )
            assert isinstance(count, int)
            forgotten += count
        if cursor == 0:
            return forgotten
        await asyncio.sleep(pause_s)


def _by_partition(marks: Iterable[bytes]) -> Collection[list[bytes]]:
    """One call may only name keys of one partition."""
    groups: dict[bytes, list[bytes]] = {}
    for mark in marks:
        groups.setdefault(mark[: mark.index(b"}")], []).append(mark)
    return groups.values()
