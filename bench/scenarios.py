"""The scenarios: who sends what to whom, and which figures and ratios are asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from . import idle, systems
from .load.driver import Generator
from .options import Load
from .report import Row, ratio, rows_of
from .rounds import Contender, interleave
from .systems import System

Say = Callable[[str], None]


@dataclass
class Outcome:
    """The rows of a scenario, and whether its correctness gate held."""

    rows: list[Row]
    held: bool


class Bench:
    """Runs scenarios under one `Load`; `advance` is told of every round, `say` of what is odd."""

    def __init__(self, load: Load, advance: Say, say: Say) -> None:
        self._load, self._advance, self._say = load, advance, say

    def dm(self, connections: int) -> Outcome:
        """Pairs of connections send each other messages; each is stored and acknowledged."""
        with self._systems() as ready:
            order = {"do": "pairs", "kind": "message", "size": self._load.size}
            contenders = [Contender("dm", system, gen, order) for system, gen in ready]
            for contender in contenders:
                contender.generator.call("register", number=connections)
            return self._beside(contenders, "acked")

    def room(self, members: int, senders: int) -> Outcome:
        """One room; a few of its members speak, all the others get every word."""
        with self._systems() as ready:
            order = {"do": "room", "senders": senders, "size": self._load.size}
            contenders = [Contender("room", system, gen, order) for system, gen in ready]
            for contender in contenders:
                contender.generator.call("register", number=members)
                contender.generator.call("join")
            return self._beside(contenders, "delivered")

    def pay(self, connections: int, ceiling: bool) -> Outcome:
        """Pairs pay each other; beside it, in the same rounds, they send messages. With
        `ceiling` the store is also driven straight, with the same calls."""
        with self._hub() as (system, generator), ExitStack() as stack:
            order = {"do": "pairs", "size": self._load.size}
            pay = Contender("pay", system, generator, {**order, "kind": "payment"})
            message = Contender("dm", system, generator, {**order, "kind": "message"})
            contenders = [pay, message]
            if ceiling:
                contenders.append(self._ceiling(stack, system, generator, connections))
            generator.call("register", number=connections)
            before = generator.call("balances")
            outcome = self._play(contenders, "acked")
            after = generator.call("balances")
        if not books_balance(before, after):
            self._say(f"WRONG: the balances were {before} and are {after}")
            outcome.held = False
        cost = "server + store CPU, payment ÷ message"
        outcome.rows += ratio(cost, pay, message, lambda r: r.cpu_us("server", "store"))
        if ceiling:
            outcome.rows += ratio(
                "payments/s, teller ÷ store alone", pay, contenders[2], lambda r: r.rate
            )
        return outcome

    def _ceiling(
        self, stack: ExitStack, hub: System, generator: Generator, connections: int
    ) -> Contender:
        """The store alone; the accounts that it moves money between are nobody else's."""
        store = systems.store_of(hub)
        assert store.store_socket is not None
        names = generator.call("register", number=connections, keep=False)["names"]
        raw = stack.enter_context(Generator.of_calls(store.store_socket))
        systems.pin(store, raw.pid)
        return Contender("pay", store, raw, {"do": "payments", "people": names})

    def idle(self, connections: int) -> Outcome:
        """Logged-in connections that do nothing: the memory of each, and the cost of its pings."""
        rows: list[Row] = []
        with self._systems() as ready:
            for system, generator in ready:
                self._advance(f"idle on {system.name}")
                rows += idle.rows_of(system, generator, connections, self._load.seconds)
        return Outcome(rows, held=True)

    def _play(self, contenders: list[Contender], per: str) -> Outcome:
        load = self._load
        held = interleave(contenders, load.plan, load.rounds, self._advance, self._say)
        played = contenders
        if load.half:
            halves = [one.at_half() for one in contenders if "server" in one.system.pids]
            held &= interleave(halves, load.plan, load.rounds, self._advance, self._say)
            played = contenders + halves
        for contender in played:
            if not contender.valid:
                self._say(f"{contender.name}: no round counts")
                held = False
        return Outcome([row for one in played for row in rows_of(one, per)], held)

    def _beside(self, contenders: list[Contender], per: str) -> Outcome:
        """Play, and compare what Teller's process costs with what the peer's does."""
        outcome = self._play(contenders, per)
        for peer in contenders[1:]:
            figure = f"server CPU, teller ÷ {peer.system.name}"
            outcome.rows += ratio(
                figure, contenders[0], peer, lambda r: r.cpu_us("server", per=per)
            )
        return outcome

    @contextmanager
    def _hub(self) -> Iterator[tuple[System, Generator]]:
        load = self._load
        with ExitStack() as stack:
            if load.url:
                system = stack.enter_context(systems.running(load.url, load.durability))
            else:
                system = stack.enter_context(systems.hub(load.durability, load.data))
            yield system, stack.enter_context(_generator(system, load.codec))

    @contextmanager
    def _systems(self) -> Iterator[list[tuple[System, Generator]]]:
        """Teller and what stands beside it, each with a generator."""
        load = self._load
        with ExitStack() as stack:
            ready = [stack.enter_context(self._hub())]
            if load.beside:
                other = stack.enter_context(systems.relay())
                ready.append((other, stack.enter_context(_generator(other, load.codec))))
            yield ready


def books_balance(before: dict[str, int], after: dict[str, int]) -> bool:
    """Whether no money was made or lost between the accounts, and none is below zero."""
    return after["sum"] == before["sum"] and after["least"] >= 0


@contextmanager
def _generator(system: System, codec: str) -> Iterator[Generator]:
    with Generator.of_clients(system.host, system.port, codec) as generator:
        systems.pin(system, generator.pid)
        yield generator
