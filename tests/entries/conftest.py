"""Two hubs on one store, with one partition and with several."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.entries.town import Town
from tests.support import Hub


@pytest.fixture(params=[1, 4], ids=["P=1", "P=4"])
async def town(make_hub: Callable[..., Awaitable[Hub]], request: pytest.FixtureRequest) -> Town:
    """Alice and Carol at one hub, Bob at the other; all three are in `#tea`, which is Alice's."""
    partitions, strangers = request.param, "open"
    first = await make_hub(partitions=partitions, strangers=strangers)
    assert first.app.embedded is not None
    store, keys = str(first.app.embedded.endpoint), str(first.data / "keys")
    rest = {"partitions": partitions, "strangers": strangers}
    second = await make_hub("second", store=store, keys=keys, **rest)
    return await Town.of(first, second)
