"""A hub with a victim, an attacker with money and a room, and a witness."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from tests.support import Client, Hub

MakeHub = Callable[..., Awaitable[Hub]]


@dataclass
class Scene:
    """Alice and bob (the victim, who is also the witness) share #general; bob owns #secret."""

    hub: Hub
    alice: Client
    bob: Client

    @property
    def token(self) -> str:
        """The token that alice attacks with."""
        return str(self.alice.welcome["token"])


async def play(hub: Hub) -> Scene:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await bob.ask("create", room="#general")
    await bob.ask("create", room="#secret")
    await alice.ask("join", room="#general")
    await bob.ask("message", to="#general", text="welcome", id="m-1")
    await bob.ask("message", to="#secret", text="the secret", id="m-2")
    await bob.ask("message", to="@bob", text="a note", id="m-3")
    return Scene(hub, alice, bob)


@pytest.fixture
async def scene(make_hub: MakeHub) -> Scene:
    """Without rates, so that a test meets the check that it is about."""
    return await play(await make_hub(rate_limits=False))
