"""A house: one hub, or two with four partitions, whose people come in by turns at each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from .house import House

MakeHouse = Callable[..., Awaitable[House]]


@pytest.fixture
async def make_house(tmp_path: Path) -> AsyncIterator[MakeHouse]:
    """Start a house with so many hubs and partitions."""
    houses: list[House] = []

    async def make(hubs: int, partitions: int, **settings: object) -> House:
        house = await House.start(tmp_path, hubs, partitions, **settings)
        houses.append(house)
        return house

    yield make
    for house in houses:
        await house.stop()


@pytest.fixture(params=[(1, 1), (2, 4)], ids=["one hub", "two hubs, P=4"])
async def house(make_house: MakeHouse, request: pytest.FixtureRequest) -> House:
    """The house under the contract."""
    return await make_house(*request.param)
