"""People at different workers talk and pay while workers are killed and replaced."""

from __future__ import annotations

import asyncio
import os
import signal

from tests.crash.town import Town
from tests.support import until
from tests.workers.crew import Crew


async def test_a_town_lives_through_kills_and_a_rolling_restart(crew: Crew) -> None:
    await crew.start()
    town = Town(crew)
    try:
        await town.settle()
        for name in ("1", "2"):
            await town.until_acknowledged(50)
            victim = crew.worker(name)
            os.kill(victim, signal.SIGKILL)
            await crew.replaced(name, victim)
        await town.until_acknowledged(50)
        crew.signal(signal.SIGHUP)
        await until(lambda: any("all workers were replaced" in line for line in crew.said), 30.0)
        await town.until_acknowledged(50)
        await asyncio.wait_for(town.judge(), 60.0)
    finally:
        await town.leave()
