"""Accounts that were there before the regions come into the directory."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.support import PATIENCE_S, Hub, until

from .conftest import Earth, kept_by

TELLER = Path(sys.executable).with_name("teller")


async def enroll(earth: Earth, region: str, hub: Hub) -> tuple[int, str]:
    """Exit code and output of the command."""
    process = await asyncio.create_subprocess_exec(
        *(TELLER, "admin", "enroll", "--region", region),
        *("--regions", earth.home / f"{region}.toml", "--data", hub.data),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


async def enrolled(earth: Earth, region: str, hub: Hub) -> tuple[int, str]:
    """The same, run again as often as it asks for that: a line may be slow to come up."""
    found: list[tuple[int, str]] = []

    async def final() -> bool:
        found.append(await enroll(earth, region, hub))
        return "run it again" not in found[-1][1]

    await until(final, 3 * PATIENCE_S)
    return found[-1]


async def forget_all(earth: Earth) -> None:
    """As if no region had ever heard of the others."""
    for hub in earth.hubs.values():
        keyspace = hub.app.services.keyspace
        for partition in range(keyspace.partitions):
            channel = hub.app.services.channel(partition)
            keys = await channel.request("KEYS", f"{keyspace.tag(partition)}h:*")
            assert isinstance(keys, list)
            if keys:
                await channel.request("DEL", *keys)


async def test_names_from_before_the_regions_are_enrolled(earth: Earth) -> None:
    handles = [kept_by(keeper, "bob") for keeper in ("eu", "us", "ap")]
    for handle in handles:
        await earth["eu"].register(handle)
    await forget_all(earth)
    alice = await earth["us"].register("alice")
    refused = await alice.ask("message", to=f"@{handles[2]}", text="are you there?")
    assert refused["code"] == "unknown_account"
    code, out = await enrolled(earth, "eu", earth["eu"])
    assert (code, "3 names of region eu are in the directory" in out) == (0, True)
    for handle in handles:
        assert (await alice.ask("message", to=f"@{handle}", text="hello"))["type"] == "ack"
    assert (await enrolled(earth, "eu", earth["eu"]))[0] == 0
    await earth.judge()


async def test_a_name_in_two_regions_is_named(earth: Earth) -> None:
    handle = kept_by("us", "twin")
    await earth["eu"].register(handle)
    await forget_all(earth)
    await earth["ap"].register(handle)
    code, out = await enrolled(earth, "eu", earth["eu"])
    assert (code, f"WRONG: @{handle} lives in region ap, too" in out) == (1, True)


async def test_a_region_that_does_not_answer_is_named(earth: Earth) -> None:
    await earth["eu"].register(kept_by("us", "bob"))
    earth.cut("eu", "us")
    code, out = await enroll(earth, "eu", earth["eu"])
    assert (code, "no link to region us" in out) == (1, True)
