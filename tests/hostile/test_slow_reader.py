"""Who does not read is closed with the cursors, holds nobody up, and resumes without a loss."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from server.edge import transport
from tests.conformance.wire import CLOSE, PING, frame
from tests.support import PATIENCE_S, Client, Hub, until

from .conftest import MakeHub, Scene, play
from .raw import Raw, raw_login
from .test_resume import entries_until_now

ROOM = "#general"
OUTBOX = 200_000
TALK_MAX = 600
"""The system's own buffers take some megabytes before the hub notices that nobody reads."""


async def talk_until_slow(hub: Hub, bob: Client, count: int = 1) -> int:
    """Bob talks until the hub has closed `count` connections as slow; the room's last seq."""
    seq = 0
    counters = hub.app.services.counters
    for _ in range(TALK_MAX):
        seq = (await bob.ask("message", to=ROOM, text="w" * 40_000))["seq"]
        if counters.slow >= count:
            return seq
    raise AssertionError("nobody was slow")


async def room(make_hub: MakeHub) -> Scene:
    scene = await play(await make_hub(rate_limits=False, outbox_bytes_max=OUTBOX))
    await entries_until_now(scene.alice)
    return scene


async def everything(client: Raw) -> tuple[list[dict[str, Any]], int | None]:
    """All frames until the close, and its code."""
    code, frames = await client.closed()
    return frames, code


async def test_a_slow_reader_is_closed_and_resumes_without_a_loss(
    make_hub: MakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "CLOSE_TIMEOUT_S", 2 * PATIENCE_S)
    scene = await room(make_hub)
    async with raw_login(scene.hub, scene.token) as slow:
        slow.stop_reading()
        last = await talk_until_slow(scene.hub, scene.bob)
        last = (await scene.bob.ask("message", to=ROOM, text="one more"))["seq"]
        others = [one["seq"] for one in await entries_until_now(scene.alice)]
        assert others == list(range(4, last + 1)), "the other device of the same account"
        slow.read_on()
        frames, code = await everything(slow)
    *entries, goodbye = frames
    assert (code, goodbye["type"], goodbye["reason"]) == (4001, "goodbye", "slow")
    assert goodbye["retry_after_ms"] > 0
    seen = [one["seq"] for one in entries if one.get("box") == ROOM]
    assert seen == list(range(4, goodbye["cursors"][ROOM] + 1))
    await comes_back(scene, seen[-1], last)


async def comes_back(scene: Scene, seen: int, last: int) -> None:
    """Whoever saw the room up to `seen` gets the rest of it exactly."""
    again = await scene.hub.hello(scene.token, {ROOM: seen})
    rest = [one["seq"] for one in await entries_until_now(again) if one.get("box") == ROOM]
    state = again.welcome["boxes"][ROOM]
    below = state.get("first", seen + 1)
    while below > seen + 1:
        page = await again.ask("history", box=ROOM, before=below)
        rest = [one["seq"] for one in page["entries"] if one["seq"] > seen] + rest
        below = page["entries"][0]["seq"]
    assert rest == list(range(seen + 1, last + 1))


async def test_who_never_reads_again_is_cut(
    make_hub: MakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "CLOSE_TIMEOUT_S", 0.2)
    scene = await room(make_hub)
    async with raw_login(scene.hub, scene.token) as slow:
        slow.stop_reading()
        last = await talk_until_slow(scene.hub, scene.bob)
        async with asyncio.timeout(PATIENCE_S):
            while len(scene.hub.app.edge.connections) > 2:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        slow.read_on()
        frames, code = await everything(slow)
    assert code is None
    seen = [one["seq"] for one in frames if one.get("box") == ROOM]
    assert seen == list(range(4, 4 + len(seen)))
    await comes_back(scene, seen[-1] if seen else 3, last)


async def test_pings_without_reading_the_pongs_fill_no_memory(make_hub: MakeHub) -> None:
    scene = await room(make_hub)
    pings = frame(PING, b"x" * 125) * 1_000
    async with raw_login(scene.hub, scene.token) as slow:
        slow.stop_reading()
        for _ in range(TALK_MAX):
            await slow.push(pings)
            if scene.hub.app.services.counters.slow:
                break
        slow.read_on()
        opcode = 0
        while opcode != CLOSE:
            opcode, payload = await slow.frame()
    assert int.from_bytes(payload[:2], "big") == 4001
    assert (await scene.bob.ask("balance"))["type"] == "balance"


async def test_a_burst_that_the_socket_takes_is_no_slowness(make_hub: MakeHub) -> None:
    """More in one tick than the outbox holds, to somebody who reads."""
    scene = await room(make_hub)
    for _ in range(8):
        await scene.bob.ask("message", to=ROOM, text="w" * 60_000)
    back = await scene.hub.hello(scene.token, {ROOM: 3})
    assert len(orjson.dumps(await entries_until_now(back))) > 2 * OUTBOX
    assert scene.hub.app.services.counters.slow == 0


async def test_typing_is_shed_for_those_who_lag(make_hub: MakeHub) -> None:
    scene = await room(make_hub)
    async with raw_login(scene.hub, scene.token) as slow:
        slow.stop_reading()
        counters = scene.hub.app.services.counters
        devices = scene.hub.app.services.hub.parties["@alice"].listeners
        for _ in range(TALK_MAX):
            await scene.bob.ask("message", to=ROOM, text="w" * 20_000)
            if any(one.crowded for one in devices):  # type: ignore[attr-defined]
                break
        await scene.bob.send({"type": "typing", "to": ROOM})
        await until(lambda: counters.shed)
        assert (counters.shed, counters.slow) == (1, 0)
    typing = [one for one in await entries_until_now(scene.alice) if one["type"] == "typing"]
    assert typing, "others are still told"
