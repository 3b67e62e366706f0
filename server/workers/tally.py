"""One page for all workers: counters are added up, gauges keep apart where a sum says nothing.

A sum must never fall, or Prometheus takes it for a restart: what ended workers had counted stays in
it, and a worker that does not answer counts as it did last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson
from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from ..metrics import JSON_TEXT, TEXT
from .messages import Family, Figures, Page

SUMMED = frozenset({"teller_connections"})
"""Gauges whose sum says something. An account, or a room, may be at several workers."""

Labels = tuple[tuple[str, str], ...]


@dataclass
class Look:
    """What is known of one worker at the moment."""

    name: str
    there: bool
    """Whether it answered."""
    figures: Figures | None
    """What it told last."""
    restarts: int = 0
    leaving: bool = False
    """It was replaced, and drains."""


class Tally:
    """Adds up workers, those that are gone included."""

    def __init__(self) -> None:
        self._gone: dict[tuple[str, str, Labels], float] = defaultdict(float)

    def retire(self, figures: Figures | None) -> None:
        """Keep the counters of a worker that has ended."""
        for family in figures.families if figures else ():
            if family.kind == "counter":
                for name, labels, value in family.samples:
                    self._gone[family.name, name, _key(labels)] += value

    def metrics(self, looks: list[Look]) -> str:
        """The exposition for Prometheus."""
        registry = CollectorRegistry()
        registry.register(_Given([*self._merged(looks), *_of_the_fleet(looks)]))
        return generate_latest(registry).decode()

    def _merged(self, looks: list[Look]) -> Iterator[Metric]:
        families: dict[str, Family] = {}
        for look in looks:
            for one in look.figures.families if look.figures else ():
                families.setdefault(one.name, one)
        for family in families.values():
            metric = Metric(family.name, family.help, family.kind)
            if family.kind == "counter" or family.name in SUMMED:
                self._add_up(metric, looks)
            else:
                _set_apart(metric, looks)
            yield metric

    def _add_up(self, metric: Metric, looks: list[Look]) -> None:
        sums: dict[tuple[str, Labels], float] = defaultdict(float)
        for (family, name, labels), value in self._gone.items():
            if family == metric.name:
                sums[name, labels] += value
        for look in looks:
            if look.there or metric.type == "counter":
                for name, own, value in _samples(look, metric.name):
                    sums[name, _key(own)] += value
        for (name, labels), value in sums.items():
            metric.add_sample(name, dict(labels), value)


class _Given(Collector):
    """Metrics that are made already."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _set_apart(metric: Metric, looks: list[Look]) -> None:
    for look in looks:
        if look.there and not look.leaving:
            for name, labels, value in _samples(look, metric.name):
                metric.add_sample(name, {**labels, "worker": look.name}, value)


def _of_the_fleet(looks: list[Look]) -> Iterator[Metric]:
    up = Metric("teller_worker_up", "1 while the worker answers", "gauge")
    restarts = Metric("teller_worker_restarts", "How often it had to be started again", "counter")
    for look in looks:
        if not look.leaving:
            labels = {"worker": look.name}
            up.add_sample("teller_worker_up", labels, int(look.there))
            restarts.add_sample("teller_worker_restarts_total", labels, look.restarts)
    yield from (up, restarts)


def _samples(look: Look, name: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in look.figures.families if look.figures else ():
        if family.name == name:
            yield from family.samples


def _key(labels: dict[str, str]) -> Labels:
    return tuple(sorted(labels.items()))


def health(looks: list[Look]) -> tuple[int, str]:
    """Status and body of `/healthz`: 503 only if no worker has the store.

    One worker that restarts must not take the whole port out of a load balancer.
    """
    places = [look for look in looks if not look.leaving]
    up = [look for look in places if look.there and look.figures and look.figures.store_up]
    missing = [look.name for look in places if not look.there]
    status = "no store" if not up else "ok" if len(up) == len(places) else "degraded"
    store = {"store": "up"} if up else {}
    body = {"status": status, **store, "workers": len(places), "missing": missing}
    return (200 if up else 503), orjson.dumps(body).decode() + "\n"


def page(tally: Tally, looks: list[Look], number: int, path: str) -> Page:
    """The page `path`, as the answer to the question `number`."""
    if path == "/metrics":
        return Page(number, 200, TEXT, tally.metrics(looks))
    status, body = health(looks)
    return Page(number, status, JSON_TEXT, body)
