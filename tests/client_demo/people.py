"""Clients of a real hub, as the tests need them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TypeVar

from client_demo.backoff import Backoff
from client_demo.client import Client
from client_demo.conversation import Delivery, Line
from client_demo.events import Event, Frame
from client_demo.model import Connection
from client_demo.signin import sign_in

Happening = TypeVar("Happening", bound=Event)


def soon() -> Backoff:
    """Reconnects quickly; the tests wait for events, not for time."""
    return Backoff(jitter=lambda: 0.05)


def password(name: str) -> str:
    return f"the password of {name}"


async def token_of(url: str, name: str) -> str:
    """A token; the account is registered if it is new."""
    return await sign_in(url, name.removeprefix("@"), password(name), lambda: True)


class Person:
    """A connected client that remembers what happened to it."""

    def __init__(self, name: str, url: str, token: str) -> None:
        self.name = name
        self.client = Client(url, name, token, backoff=soon())
        self.model = self.client.model
        self.happened: list[Event] = []
        self.client.listen(self.happened.append)

    def had(self, kind: type[Happening]) -> list[Happening]:
        """The events of one kind so far."""
        return [event for event in self.happened if isinstance(event, kind)]

    def lines(self, name: str) -> list[Line]:
        return self.model.conversation(name).lines

    def texts(self, name: str) -> list[str]:
        return [line.text for line in self.lines(name)]

    async def do(self, **frame: object) -> str:
        """Post a frame and wait for its final answer."""
        id = self.client.post(dict(frame))
        async with asyncio.timeout(15):
            await self.client.answered(id)
        return id

    async def say(self, to: str, text: str) -> str:
        return await self.do(type="message", to=to, text=text)

    def pay(self, to: str, amount: int, **more: str) -> str:
        frame: Frame = {"type": "payment", "to": to, "amount": amount, "currency": "USD"}
        return self.client.post(frame | more)

    async def sees(self, name: str, text: str) -> None:
        await self.client.until(lambda: text in self.texts(name))

    async def stored(self, name: str, id: str) -> None:
        """Wait until the line of ours is stored."""
        done = (Delivery.STORED, Delivery.READ)
        await self.client.until(
            lambda: any(line.id == id and line.delivery in done for line in self.lines(name))
        )

    async def has(self, amount: int) -> None:
        """Wait for a balance, in cents."""
        await self.client.until(lambda: self.model.wallet.available("USD") == amount)


@contextlib.asynccontextmanager
async def online(hub: object, name: str, token: str | None = None) -> AsyncIterator[Person]:
    """`name`, such as `@alice`, connected to `hub`."""
    url: str = hub.url  # type: ignore[attr-defined]
    person = Person(name, url, token or await token_of(url, name))
    running = asyncio.create_task(person.client.link.run())
    try:
        await person.client.until(lambda: person.model.connection is Connection.CONNECTED)
        yield person
    finally:
        await person.client.link.close()
        await running
