"""A measuring run of the model's own: the curve, and what a run of scenarios does not look at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from urllib.request import urlopen

from bench import systems
from bench.contest import play
from bench.errors import BenchError
from bench.limits import fdatasync, store
from bench.load.histogram import merge
from bench.log import Log
from bench.options import QUICK
from bench.report import describe
from bench.rounds import Contender, Drive, Round
from bench.scenarios import capacity, connect, idle, room
from bench.stage import Stage, Stand
from bench.systems import DATA_HOME, System

from .costs import Costs, Point
from .store import memory_of
from .taken import needed

STEPS = (10, 30, 50, 70, 80, 90, 95)
"""Shares of the capacity, in per cent, at which the curve is measured."""
SIZES = replace(
    QUICK,
    seconds=3.0,
    warm_up=0.5,
    steps=STEPS,
    idle=(10_000,),
    storm=2_000,
    beside=frozenset(),
    left_out=frozenset(),
)
"""About six minutes."""
PERCENTILES = range(101)
PAYMENT, MESSAGE = {"payment": 1}, {"message": 1}
SINGLE = {"posts": 1, "calls": 64}
"""As from 64 hubs."""


@dataclass
class Meter:
    """A drive that also asks the hub how many posts its calls carried."""

    system: System
    drive: Drive
    batches: dict[str, float]
    """Posts in a call, by the histogram of its acks, which tells one round from another."""

    def __call__(self, **plan: object) -> dict[str, object]:
        """Load, as `drive` does."""
        posts, calls = posted(self.system)
        found = self.drive(**plan)
        posts_after, calls_after = posted(self.system)
        self.batches[str(found["ack"])] = (posts_after - posts) / max(1, calls_after - calls)
        return found


def measured(stage: Stage, log: Log) -> Costs:
    """Everything that the model has to know, on hubs of our own.

    Raises:
        BenchError: if a system could not be driven, or a correctness gate failed.
    """
    with stage.hub() as stand:
        memory = memory_of(stand)
        stand.enter(stage.sizes.connections)
        most, points = _curve(stage, stand)
        half = _half(stage, stand, most)
        single = alone(stage, stand)
    beside = [one.SCENARIO.run(stage) for one in (room, connect, idle)]
    if log.stopping or not all(one.held for one in beside):
        raise BenchError("not everything could be measured")
    rows = [row for one in beside for row in one.rows]
    return Costs(
        machine=describe(),
        **half,
        **single,
        copy=needed(rows, "room", "server CPU per copy"),
        connect=needed(rows, "connect", "server CPU per connect"),
        idle=needed(rows, "idle", "server CPU per 10,000 connections") / 100 / 10_000,
        memory=replace(
            memory,
            hub_connection=1024 * needed(rows, "idle", "server memory per connection"),
            kernel_connection=1024 * needed(rows, "idle", "kernel memory per connection"),
        ),
        sync=_syncs(stage),
        capacity=most,
        points=points,
        sources={"hop": "assumed: the bound of the aim", "relay": "assumed: the bound of the aim"},
    )


def metered(stand: Stand, name: str, **order: object) -> Contender:
    """A kind of load whose calls are counted."""
    drive = Meter(stand.system, partial(stand.generator.call, "load"), {})
    return Contender(name, stand.system, drive, dict(order))


def posted(system: System) -> tuple[float, float]:
    """Posts that the hub sent to its store so far, and the calls that carried them.

    Raises:
        BenchError: if the hub does not tell.
    """
    with urlopen(f"http://{system.host}:{system.port}/metrics", timeout=5) as page:
        lines = page.read().decode().splitlines()
    told = {name: float(number) for name, _, number in (line.rpartition(" ") for line in lines)
            if name in ("teller_posts_total", "teller_store_calls_total")}  # fmt: skip
    if len(told) < 2:
        raise BenchError("the hub's metrics do not tell of posts and calls")
    return told["teller_posts_total"], told["teller_store_calls_total"]


def _played(stage: Stage, contenders: list[Contender]) -> None:
    if not play(stage, contenders):
        raise BenchError("the correctness gate failed: nothing of this counts")
    for one in contenders:
        if not one.valid:
            raise BenchError(f"{one.name}: no round counts")


def _curve(stage: Stage, stand: Stand) -> tuple[float, list[Point]]:
    """The capacity for messages, and what is seen at shares of it."""
    plain = stand.contender("model capacity", kinds=MESSAGE, to="pair")
    most = capacity.search(stage, plain)
    if most is None:
        raise BenchError("no rate passed, so there is no capacity")
    levels = {
        share: metered(stand, f"model at {share} %", kinds=MESSAGE, to="pair",
                       rate=most * share / 100, overload=True)
        for share in stage.sizes.steps
    }  # fmt: skip
    _played(stage, [*levels.values()])
    return most, [_point(share, one) for share, one in levels.items()]


def _half(stage: Stage, stand: Stand, most: float) -> dict[str, float]:
    """CPU µs of the hub for a message and for a payment, to anyone, at half of the capacity."""
    order = {"to": "uniform", "rate": most / 2, "overload": True}
    message = stand.contender("model message", kinds=MESSAGE, **order)
    payment = stand.contender("model payment", kinds=PAYMENT, **order)
    _played(stage, [message, payment])
    return {
        "hub_message": _cpu(message.valid, "server"),
        "hub_payment": _cpu(payment.valid, "server"),
    }


def _point(share: int, one: Contender) -> Point:
    took = merge(each.ack for each in one.valid)
    return Point(
        share=share,
        rate=median(each.rate for each in one.valid),
        batch=batch(one),
        hub=_cpu(one.valid, "server"),
        store=_cpu(one.valid, "store"),
        p50=took.get_value_at_percentile(50) / 1_000,
        p99=took.get_value_at_percentile(99) / 1_000,
    )


def batch(one: Contender) -> float:
    """Posts in a call, in the rounds of a `metered` load that count."""
    assert isinstance(one.drive, Meter)
    return median(one.drive.batches[each.ack] for each in one.valid)


def _cpu(rounds: list[Round], part: str) -> float:
    return median(each.cpu_us(part) or 0.0 for each in rounds)


def alone(stage: Stage, stand: Stand) -> dict[str, float]:
    """CPU µs of a busy store for a post, driven without a hub: calls of one, and full ones."""
    people = stand.generator.call("enter", number=stage.sizes.connections, keep=False)["names"]
    assert stand.system.store_socket is not None
    with store.client(stand.system.store_socket) as client:
        store_only = Stand(systems.store_of(stand.system), client)
        systems.pin(store_only.system, client.pid)
        contenders = {
            name: store_only.contender(f"model store, {name}", people=people, kinds=kinds, **calls)
            for name, kinds, calls in (
                ("store_message", MESSAGE, SINGLE),
                ("store_payment", PAYMENT, SINGLE),
                ("store_full", MESSAGE, {}),
            )
        }
        _played(stage, [*contenders.values()])
        systems.pin(stand.system, stand.generator.pid, stage.load.apart)
    return {name: _cpu(one.valid, "store") for name, one in contenders.items()}


def _syncs(stage: Stage) -> list[float]:
    """The percentiles of making an append durable, in milliseconds."""
    folder = Path(stage.load.data or DATA_HOME)
    found = fdatasync.measure(folder, size=4_096, seconds=stage.sizes.seconds)
    took = merge([found["ack"]])
    return [took.get_value_at_percentile(percent) / 1_000 for percent in PERCENTILES]
