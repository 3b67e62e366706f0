"""Real hubs on real stores, one per test, and a plain client to talk to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import uvloop
from hypothesis import HealthCheck, settings

from bench.systems import free_port
from server.presence import presence
from tests.support import PATIENCE_S, Hub

pytest_plugins = ["tests.cluster"]

# An example that takes long has found nothing: the machine had other things to do.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], uvloop.Loop]]:
    """Tests run on the loop that the hub runs on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True, scope="session")
def presence_on_slow_machines() -> Iterator[None]:
    """A loop has to be later than a slow machine's to drop who types, and other hubs have more time
    to say who is there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(presence, "LATE_S", PATIENCE_S)
        patch.setattr(presence, "ANSWERS_S", 3.0)
        yield


@pytest.fixture
def unused_tcp_port() -> int:
    """In place of pytest-asyncio's, whose ports the system gives to clients as well."""
    return free_port()


@pytest.fixture
async def make_hub(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Hub]]]:
    """Start a hub with the settings given; several may run, on different data."""
    hubs: list[Hub] = []

    async def make(data: str = "data", **settings: object) -> Hub:
        if "store" in settings:
            settings.setdefault("keys", _keys_of(settings["store"]))
        hub = await Hub.start(tmp_path / data, **settings)
        hubs.append(hub)
        return hub

    def _keys_of(store: object) -> str:
        """Hubs of one store share the keys of its words."""
        embedded = ((hub.app.embedded, hub.data) for hub in hubs)
        owners = (data for one, data in embedded if one and str(one.endpoint) == store)
        return str(next(owners, tmp_path) / "keys")

    yield make
    for hub in hubs:
        await hub.stop()


@pytest.fixture
async def hub(make_hub: Callable[..., Awaitable[Hub]]) -> Hub:
    """A hub with a store of its own; new accounts get 100.00 USD."""
    return await make_hub()
