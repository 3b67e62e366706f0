"""`kill -9` from outside at any moment: of the store, of the hub, of both."""

from __future__ import annotations

import signal

import pytest

from tests.crash.hub_process import HubProcess
from tests.crash.town import Town

ROUNDS = 20
VICTIMS = ["store", "hub", "both"]


async def kill(victim: str, town: Town) -> None:
    """Kill under load, and see that the people are served again."""
    hub = town.hub
    await town.until_acknowledged(town.random.randint(20, 60))
    if victim in ("store", "both"):
        hub.kill_store()
    if victim in ("hub", "both"):
        hub.signal(signal.SIGKILL)
        assert await hub.ended() == -signal.SIGKILL
        await hub.start()
    await town.until_acknowledged(20)
    assert hub.running, hub.said[-20:]


@pytest.mark.parametrize("victim", VICTIMS)
async def test_everything_is_kept_when_killed(
    victim: str, hub_process: HubProcess, town: Town
) -> None:
    await hub_process.start()
    await town.settle()
    for _ in range(3):
        await kill(victim, town)
    await town.judge()
    print(f"\n{victim} killed 3 times: {town.summary()}")


@pytest.mark.long
@pytest.mark.parametrize("victim", VICTIMS)
async def test_everything_is_kept_when_killed_again_and_again(
    victim: str, hub_process: HubProcess, town: Town
) -> None:
    await hub_process.start()
    for _ in range(ROUNDS):
        await town.settle()
        await kill(victim, town)
        await town.judge()
    print(f"\n{victim} killed {ROUNDS} times: {town.summary()}")
