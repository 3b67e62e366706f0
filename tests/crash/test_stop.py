"""Ends that are meant: Ctrl-C under load, a hub that takes its store along, a refused second."""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest

from protocol.errors import Close
from tests.crash.hub_process import START_S, HubProcess
from tests.crash.town import Town
from tests.support import until


async def test_ctrl_c_under_load_drains(hub_process: HubProcess, town: Town) -> None:
    hub_process.options = ("--drain-timeout-s", "600")  # it ends because all is done
    await hub_process.start()
    await town.settle()
    await town.until_acknowledged(50)
    await until(lambda: all(one.acks for one in town.people))  # everyone has come in
    hub_process.signal(signal.SIGINT)
    assert await hub_process.ended() == 0
    assert hub_process.directory.server_lock.holder() is None, "the store outlived the hub"
    assert hub_process.said[-1].startswith("Stopped.")
    acknowledged = town.acknowledged()
    for one in (*town.people, town.keeper):
        (goodbye,) = one.goodbyes
        assert one.closes[0] == Close.GOING_AWAY
        assert goodbye["retry_after_ms"] >= 0
        assert goodbye["cursors"][one.name] >= 1
    await hub_process.start()
    await town.judge()
    assert town.acknowledged() >= acknowledged
    print(f"\nCtrl-C: {town.summary()}")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
async def test_a_killed_hub_takes_its_store_along(hub_process: HubProcess) -> None:
    await hub_process.start()
    assert hub_process.directory.server_lock.holder() is not None
    hub_process.signal(signal.SIGKILL)
    await hub_process.ended()
    await hub_process.store_gone()


async def test_a_second_hub_on_the_same_data_is_refused(hub_process: HubProcess) -> None:
    await hub_process.start()
    second = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "serve", "--data", str(hub_process.data)),
        *("--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(START_S):
        out, err = await second.communicate()
    assert second.returncode == 1
    assert out == b""
    said = err.decode()
    assert said.startswith("teller: the data directory "), said
    assert "is in use by process" in said
    assert "Traceback" not in said
    assert hub_process.running
