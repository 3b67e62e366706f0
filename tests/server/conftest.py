"""Two people who do not know each other, on one hub or two."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.support import Client, Hub, until

MakeHub = Callable[..., Awaitable[Hub]]


@pytest.fixture(params=["one partition", "sixteen", "two hubs"])
async def street(request: pytest.FixtureRequest, make_hub: MakeHub) -> tuple[Hub, Hub]:
    """Where @alice and @bob are: a hub each, or the same; strangers must be accepted."""
    partitions = 1 if request.param == "one partition" else 16
    first = await make_hub(strangers="ask", partitions=partitions)
    if request.param != "two hubs":
        return first, first
    assert first.app.embedded is not None
    store = str(first.app.embedded.endpoint)
    second = await make_hub("second", strangers="ask", store=store)
    await until(lambda: first.app.services.relay.others and second.app.services.relay.others)
    return first, second


@pytest.fixture
async def two(street: tuple[Hub, Hub]) -> tuple[Client, Client]:
    """@alice and @bob, with 100.00 USD each, who do not know each other."""
    return await street[0].register("alice"), await street[1].register("bob")
