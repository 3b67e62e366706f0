"""The hub is killed at each step of the pipeline, under load, and everything is kept."""

from __future__ import annotations

import signal

import pytest

from tests.crash.hub_process import HubProcess
from tests.crash.steps import CROSSING, STEPS
from tests.crash.town import Town

ROUNDS = 20


async def crash_at(step: str, town: Town) -> None:
    """Light the fuse under load, do what leads to `step`, and wait for the hub's end."""
    hub = town.hub
    await town.until_acknowledged(20)
    hub.signal(signal.SIGUSR1)
    if step == "draining":
        hub.signal(signal.SIGINT)
    elif step == "caught up":
        hub.kill_store()
    elif step in ("registered", "entering"):
        town.add_person()
    assert await hub.ended() == -signal.SIGKILL


def passes_of(step: str, town: Town) -> int:
    """Which pass is the last: some steps come only once."""
    once = step in ("registered", "entering", "caught up")
    return 1 if once else town.random.randint(1, 6)


async def crash_and_return(step: str, town: Town) -> None:
    """One crash; then the people go on as if nothing had been."""
    await town.hub.start(step, passes_of(step, town))
    await town.settle()
    await crash_at(step, town)
    await town.hub.start()
    await town.until_acknowledged(20)
    await town.judge()


@pytest.mark.parametrize("step", STEPS)
async def test_a_hub_killed_at_a_step_keeps_every_promise(
    step: str, hub_process: HubProcess, town: Town
) -> None:
    await crash_and_return(step, town)
    print(f"\nkilled, {step}: {town.summary()}")


@pytest.mark.parametrize("step", CROSSING)
async def test_a_hub_killed_on_the_way_to_another_partition_keeps_every_promise(
    step: str, hub_process: HubProcess
) -> None:
    town = Town(hub_process, partitions=4)
    try:
        await crash_and_return(step, town)
        print(f"\nkilled, {step}: {town.summary()}")
    finally:
        await town.leave()


@pytest.mark.long
@pytest.mark.parametrize("step", STEPS)
async def test_a_hub_killed_at_a_step_again_and_again(
    step: str, hub_process: HubProcess, town: Town
) -> None:
    for _ in range(ROUNDS):
        await crash_and_return(step, town)
        await town.stop_hub()
    print(f"\nkilled {ROUNDS} times, {step}: {town.summary()}")
