"""The echo and what loads it: everything comes back, and what does not is told."""

import asyncio
import os
from typing import Any, cast

import pytest

from bench.limits import echo
from bench.load.histogram import merge

WINDOW = {"seconds": 0.5, "warm_up": 0.1, "connections": 4, "depth": 3}


@pytest.mark.parametrize("framing", ["tcp", "websocket"])
def test_every_frame_comes_back(framing: echo.Framing) -> None:
    with echo.started(framing) as system, echo.client(system) as client:
        for size in (1, 125, 126, 5_000):
            result = client.call("load", size=size, pids=system.pids, **WINDOW)
            assert result["faults"] == {"lost": 0}
            assert 0 < result["acked"] < result["sent"]  # the warm-up does not count
            assert merge([result["ack"]]).get_total_count() == result["acked"]
            assert result["cpu_ns"]["server"] > 0


async def test_what_does_not_come_back_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(echo, "DRAIN_SECONDS", 0.1)
    result = await _load(asyncio.Protocol)
    assert result["acked"] == 0
    assert result["faults"]["lost"] == result["sent"] == 4 * 3


async def test_a_planted_delay_is_in_every_latency() -> None:
    class Late(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast(asyncio.Transport, transport)

        def data_received(self, data: bytes) -> None:
            asyncio.get_running_loop().call_later(0.05, self.transport.write, data)

    result = await _load(Late)
    assert result["acked"] > 0
    assert merge([result["ack"]]).get_min_value() >= 49_000  # the loop's clock counts milliseconds
    assert not result["faults"]["lost"]


async def _load(protocol: type[asyncio.Protocol]) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = echo.Client("127.0.0.1", port, "tcp")
    result = await client.load(size=10, pids={"server": os.getpid()}, **WINDOW)
    client.close()
    server.close()
    return result
