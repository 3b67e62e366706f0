"""Several real hubs in one process, on one real store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from server.telling.relay import Relay
from tests.support import Hub

MakeHub = Callable[..., Awaitable[Hub]]
MakeHubs = Callable[..., Awaitable[list[Hub]]]


@pytest.fixture
def make_hubs(make_hub: MakeHub) -> MakeHubs:
    """So many hubs with the settings given; the first one owns the store."""

    async def make(count: int = 2, **settings: object) -> list[Hub]:
        first = await make_hub(**settings)
        assert first.app.embedded is not None
        store = str(first.app.embedded.endpoint)
        more = [await make_hub(store=store, **settings) for _ in range(count - 1)]
        return [first, *more]

    return make


@pytest.fixture(params=[1, 4], ids=["P=1", "P=4"])
async def hubs(make_hubs: MakeHubs, request: pytest.FixtureRequest) -> list[Hub]:
    """Two hubs on one store, of one partition and of several."""
    return await make_hubs(2, partitions=request.param)


@pytest.fixture
def quick_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare boxes with the store many times a second."""
    monkeypatch.setattr("server.telling.catchup.ROUND_S", 0.2)
    monkeypatch.setattr("server.telling.catchup.SUSPICION_S", 0.02)


@pytest.fixture
def lossy(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Publications get lost from now on, or not any more."""

    def lose(wanted: bool) -> None:
        monkeypatch.setattr("server.telling.relay.LOSES", wanted)

    return lose


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The boxes of whatever is published."""
    names: list[str] = []
    publish = Relay._publish

    def note(self: Relay, name: str, payload: bytes) -> None:
        names.append(name)
        publish(self, name, payload)

    monkeypatch.setattr(Relay, "_publish", note)
    return names
