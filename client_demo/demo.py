"""A conversation with payments, played over real sockets against a real hub and store.

`python -m client_demo.demo` (or `make demo`) starts a hub of its own, lets two people meet, chat
and pay, drops a connection in the middle of a payment, pays a third one whose account is in
another partition of the store, and checks the books. It exits with 0 if everything was as it should
be; else with 1 and the reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from typing import TypeVar

from . import events, render
from .backoff import Backoff
from .client import Client, RefusedError
from .conversation import Delivery, Line
from .events import Event, Frame
from .hub_process import HubError, HubProcess, hub_process
from .model import Connection
from .signin import SigninError, sign_in
from .wallet import show
from .wire import WireError

Happening = TypeVar("Happening", bound=Event)
OPENING = 10_000
CURRENCY = "USD"
TICKET, COFFEE, TAXI, CASTLE = 1_200, 350, 800, 50_000
"""Prices in minor units; the castle costs more than anybody has."""
PARTITIONS = 2
"""Of two, alice and bob are in one, and dave is in the other: which is decided by the names."""


class DemoError(Exception):
    """Something was not as it should be."""


def check(true: bool, what: str) -> None:
    """Stop the demo unless `what` holds.

    Raises:
        DemoError: if it does not.
    """
    if not true:
        raise DemoError(f"not so: {what}")


def tell(text: str = "") -> None:
    """A remark of the narrator."""
    print(f"          · {text}" if text else "", flush=True)


class Person:
    """A client, and the name of the other one in the conversation."""

    def __init__(self, hub: HubProcess, name: str, other: str, token: str) -> None:
        self.name = name
        self._other = other
        self.happened: list[Event] = []
        self.client = Client(hub.url, name, token, backoff=Backoff(jitter=lambda: 0.6))
        self.client.listen(self.happened.append)

    @property
    def available(self) -> int:
        """What this person can spend, in minor units."""
        return self.client.model.wallet.available(CURRENCY)

    def had(self, kind: type[Happening]) -> list[Happening]:
        """The events of one kind, so far."""
        return [event for event in self.happened if isinstance(event, kind)]

    def line(self, id: str) -> Line | None:
        """The line that this person sees for the frame `id`."""
        lines = self.client.model.conversation(self._other).lines
        found = [line for line in lines if line.id == id]
        check(len(found) <= 1, f"{self.name} sees {id} at most once")
        return found[0] if found else None

    async def has(self, amount: int) -> None:
        """Wait for a balance in minor units."""
        await self.client.until(lambda: self.available == amount, seconds=10)

    def say(self, text: str) -> str:
        """Send words; returns the frame's id."""
        return self.client.post({"type": "message", "to": self._other, "text": text})

    def pay(self, amount: int, text: str) -> str:
        """Send money; returns the frame's id."""
        frame: Frame = {"type": "payment", "to": self._other, "amount": amount, "text": text}
        return self.client.post(frame | {"currency": CURRENCY})

    async def does(self, type: str, **fields: object) -> None:
        """Post a frame and wait until it is stored.

        Raises:
            DemoError: if it is refused.
        """
        try:
            await self.client.ask({"type": type, **fields})
        except RefusedError as refused:
            raise DemoError(f"{self.name} may not {type}: {refused}") from None

    async def sees(self, id: str) -> None:
        """Wait for the frame `id` and print it as it is seen here."""
        await self.client.until(lambda: self.line(id))
        self.show(id)

    def show(self, id: str) -> None:
        """Print the frame `id` as it is seen here now."""
        line = self.line(id)
        assert line is not None
        print(f"  {render.plain(line, self.name)}", flush=True)


@contextlib.asynccontextmanager
async def online(hub: HubProcess, name: str, other: str) -> AsyncIterator[Person]:
    """Register a person and keep them connected."""
    token = await sign_in(hub.url, name.removeprefix("@"), f"password of {name}", lambda: True)
    person = Person(hub, name, other, token)
    running = asyncio.create_task(person.client.link.run())
    try:
        await person.client.until(lambda: person.client.model.connection is Connection.CONNECTED)
        yield person
    finally:
        await person.client.link.close()
        await running


def balances(*people: Person) -> None:
    """Print what everybody has."""
    print("  " + "   ".join(f"[{each.name} {show(each.available, CURRENCY)}]" for each in people))
    print(flush=True)


async def delivered(sender: Person, receiver: Person, id: str) -> None:
    """The receiver sees it, and the sender knows that it is stored."""
    await receiver.sees(id)
    await sender.client.until(lambda: (own := sender.line(id)) and _is_done(own))


def _is_done(line: Line) -> bool:
    """Whether it is stored, and its money, if any, is there."""
    return line.fate in (Delivery.STORED, Delivery.DELIVERED, Delivery.READ)


async def settled(people: dict[Person, int]) -> None:
    """Wait until everybody has the balance in minor units that they should have.

    Raises:
        DemoError: if that does not come true.
    """
    for person, amount in people.items():
        try:
            await person.has(amount)
        except TimeoutError:
            wanted = show(amount, CURRENCY)
            raise DemoError(f"{person.name} has {person.available}, not {wanted}") from None
    balances(*people)


async def refused_payment(alice: Person) -> None:
    """A payment that cannot be: nothing moves."""
    castle = alice.pay(CASTLE, "a castle")
    await alice.client.answered(castle)
    await alice.sees(castle)
    codes = [refused.code for refused in alice.had(events.Refused)]
    check(codes == ["insufficient_funds"], "a castle is too expensive")


async def broken_payment(alice: Person, bob: Person) -> None:
    """The connection breaks after the frame was sent and before it was answered."""
    alice.happened.clear()

    def cut(event: Event) -> None:
        sent = isinstance(event, events.Sent) and event.frame["type"] == "payment"
        if sent and not alice.had(events.Disconnected):
            alice.client.link.cut()

    alice.client.listen(cut)
    coffee = alice.pay(COFFEE, "coffee")
    await alice.client.until(lambda: alice.had(events.Unknown))
    tell("the payment was sent; the connection broke before the answer")
    await alice.sees(coffee)
    await alice.client.until(lambda: alice.had(events.Connected))
    tell("connected again: resumed, and the same frame sent again with the same id")
    await alice.client.answered(coffee)
    answers = alice.had(events.Stored)
    check([each.frame["id"] for each in answers] == [coffee], "one answer to the payment")
    first = "had it already" if answers[0].ack.get("replayed") else "had not got it before"
    tell(f"the hub {first}: paid exactly once")
    await delivered(alice, bob, coffee)


async def crossing_payment(alice: Person, dave: Person) -> None:
    """Payer and payee are in different partitions: the money travels as a message does."""
    alice.happened.clear()

    def show_own(event: Event) -> None:
        if isinstance(event, events.Stored) and event.frame["type"] == "payment":
            alice.show(event.frame["id"])

    alice.client.listen(show_own)
    tell("dave's account is in another partition of the store")
    await dave.sees(alice.say("Are you coming, too?"))
    await dave.client.until(lambda: dave.client.model.standing(alice.name).state == "request")
    await dave.does("accept", who=alice.name)
    taxi = alice.pay(TAXI, "the taxi")
    await delivered(alice, dave, taxi)
    alice.show(taxi)
    stored = [each for each in alice.had(events.Stored) if each.frame["type"] == "payment"]
    states = [each.ack["state"] for each in stored]
    check(states == ["accepted"], "the hub accepted it before it was there")
    tell("accepted at once, then settled: it arrived exactly once")


async def first_words(alice: Person, bob: Person) -> None:
    """Who is new asks first: words wait to be accepted, and so would money."""
    asked = alice.say("Hi Bob! Did you get the tickets?")
    await bob.sees(asked)
    await bob.client.until(lambda: bob.client.model.standing(alice.name).state == "request")
    tell("bob does not know alice yet: her words are a request, which he accepts")
    await bob.does("accept", who=alice.name)


async def afterwards(alice: Person, bob: Person, said: str) -> None:
    """What is said can be put right, answered and reacted to."""
    ref = {"from": bob.name, "id": said}
    await bob.does("edit", to=alice.name, ref=ref, text="Two of them, 12.00 USD each.")
    await alice.does("react", to=bob.name, ref=ref, emoji="🎻")
    await alice.client.until(lambda: (line := alice.line(said)) and line.view and line.view.earlier)
    await bob.client.until(lambda: (line := bob.line(said)) and line.view and line.view.reactions)
    tell("bob put a letter right, alice reacted:")
    bob.show(said)


async def play(hub: HubProcess) -> None:
    """The whole conversation.

    Raises:
        DemoError: if anything is not as it should be.
    """
    async with online(hub, "@alice", "@bob") as alice, online(hub, "@bob", "@alice") as bob:
        await settled({alice: OPENING, bob: OPENING})
        await first_words(alice, bob)
        said = bob.say("Two of them, 12.00 USD eech.")
        await delivered(bob, alice, said)
        await afterwards(alice, bob, said)
        await delivered(alice, bob, alice.pay(TICKET, "my ticket"))
        await settled({alice: OPENING - TICKET, bob: OPENING + TICKET})
        await refused_payment(alice)
        await settled({alice: OPENING - TICKET, bob: OPENING + TICKET})
        await broken_payment(alice, bob)
        await delivered(bob, alice, bob.say("Got it, once. Thanks for the coffee!"))
        spent = TICKET + COFFEE
        await settled({alice: OPENING - spent, bob: OPENING + spent})
    async with online(hub, "@alice", "@dave") as alice, online(hub, "@dave", "@alice") as dave:
        await settled({alice: OPENING - spent, dave: OPENING})
        await crossing_payment(alice, dave)
        await settled({alice: OPENING - spent - TAXI, dave: OPENING + TAXI})
    print(f"  The books: {(await hub.audit()).splitlines()[-1]}", flush=True)


async def main() -> int:
    """Start a hub, play, stop it; returns the exit code."""
    try:
        async with asyncio.timeout(90), hub_process(show(OPENING, CURRENCY), PARTITIONS) as hub:
            print(f"  A hub of its own at {hub.url}\n", flush=True)
            await play(hub)
    except (DemoError, HubError, SigninError, WireError, TimeoutError) as error:
        print(f"The demo failed: {str(error) or 'it took too long'}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
