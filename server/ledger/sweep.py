"""Forgets the duplicate marks of old posts without money. Those of money are kept for ever.

No key of Teller has a time to live: the sweeper walks the keyspace slowly, and the store's function
looks at each mark again before it deletes it.
"""

from __future__ import annotations

import asyncio

import structlog

from .ids import MARK_MS
from .library import Commands

MARKS_PER_STEP = 200
PAUSE_S = 0.25
ROUND_S = 3600.0
"""Pause between two walks over the keyspace."""
SLACK_MS = 24 * 3600 * 1000
"""Marks live a day longer than ids may be old, for the sake of clients whose clock runs ahead."""


async def sweep_marks(store: Commands) -> None:
    """Run until cancelled."""
    log = structlog.get_logger("sweeper")
    while True:
        await asyncio.sleep(ROUND_S)
        try:
            now = await store.execute_command("TIME")
            assert isinstance(now, list)
            forgotten = await sweep_once(store, int(now[0]) * 1000 - MARK_MS - SLACK_MS, PAUSE_S)
            log.info("old duplicate marks forgotten", marks=forgotten)
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
        cursor, marks = int(answer[0]), answer[1]
        if marks:
            count = await store.execute_command(
                "FCALL", "teller_sweep", len(marks), *marks, before_ms
            )
            assert isinstance(count, int)
            forgotten += count
        if cursor == 0:
            return forgotten
        await asyncio.sleep(pause_s)
