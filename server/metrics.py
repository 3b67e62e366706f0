"""`/metrics` for Prometheus and `/healthz` for everything else.

The hot path counts in plain integers; they are read when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from .edge.edge import Edge
from .edge.handshake import Reply
from .services import Services
from .telling.delivery import Delivery
from .workers.messages import Family

if TYPE_CHECKING:
    from .regions.world import World
    from .search.desk import SearchDesk
    from .workers.worker import Worker

TEXT = "text/plain; version=0.0.4; charset=utf-8"
JSON_TEXT = "application/json"


class HubCollector(Collector):
    """Reads the hub's counters."""

    def __init__(self, services: Services, delivery: Delivery, edge: Edge) -> None:
        self._services = services
        self._delivery = delivery
        self._edge = edge

    def collect(self) -> Iterator[Metric]:
        services, delivery = self._services, self._delivery
        counters, pipelines, courier = services.counters, services.pipelines, services.courier
        gauges = {
            "connections": ("Open sockets", len(self._edge.connections)),
            "accounts_connected": ("Accounts with a connection", len(services.hub.parties)),
            "rooms_connected": ("Rooms with a connected member", len(services.hub.rooms)),
            "entering_waiting": (
                "Connections that wait for their turn to come in",
                len(services.entrance.turnstile.waiting),
            ),
            "hubs": ("Hubs on this store, with this one", len(services.hubs.live)),
            "store_up": ("1 while the store answers", int(services.stores.up)),
            "store_clock_ahead_ms": ("Store's clock minus ours", services.store_ahead_ms),
            "legs_waiting": ("Legs on their way to other partitions", courier.unsettled),
            "legs_oldest_ms": (
                "Age of the oldest of them",
                courier.oldest_age_ms(services.store_now()),
            ),
            "lanes_stopped": ("Lanes whose ends contradict each other", courier.stopped),
        }
        for name, (text, value) in gauges.items():
            yield GaugeMetricFamily(f"teller_{name}", text, value)
        totals = {
            "frames_in": ("Frames received", counters.frames_in),
            "posts": ("Posts sent to the store", sum(one.posts for one in pipelines)),
            "store_calls": ("Calls that carried them", sum(one.calls for one in pipelines)),
            "store_retries": ("Calls sent again", sum(one.retries for one in pipelines)),
            "lookups": ("Posts that waited for another partition", services.contacts.asked),
            "messages": ("Posts without money that were stored", delivery.messages),
            "payments": ("Posts with money that were stored", delivery.payments),
            "malformed": ("Payloads that were no frames", counters.nonsense),
            "rate_limited": ("Frames refused by a rate", counters.rate_limited),
            "slow_closed": ("Connections closed as slow", counters.slow),
            "idle_closed": ("Connections closed as idle", counters.idle),
            "shed": ("Ephemeral frames dropped or put off", counters.shed),
            "presence_told": ("Comings and goings told to who watches", counters.presence),
            "logins": ("Connections that logged in", counters.logins),
            "store_losses": ("Store connections that broke", counters.store_losses),
            "relay_published": ("Publications to other hubs", services.relay.published),
            "relay_heard": ("Publications of other hubs", services.relay.heard),
            "texts_locked": ("Entries told without words for want of a key", services.seals.locked),
            "relay_gaps": ("Entries that no hub told, read from the store", counters.relay_gaps),
        }
        for name, (text, value) in totals.items():
            yield CounterMetricFamily(f"teller_{name}", text, value)
        if services.world is not None:
            yield from _of_regions(services.world, services.store_now())
        yield from _of_search(services.search)
        transit = GaugeMetricFamily(
            "teller_in_transit", "Money between partitions, in minor units", labels=["currency"]
        )
        for currency, amount in courier.in_transit().items():
            transit.add_metric([currency], amount)
        yield transit
        refused = CounterMetricFamily("teller_refused", "Posts the ledger refused", labels=["code"])
        for code, count in delivery.refused.items():
            refused.add_metric([code], count)
        yield refused


def _of_search(search: SearchDesk) -> Iterator[Metric]:
    """How far the search index is, and how big."""
    figures = search.figures
    gauges = {
        "up": ("1 while the search worker runs", int(search.pid is not None)),
        "behind": ("Entries that the search index has not read yet", figures.behind),
        "entries": ("Entries that can be found", figures.entries),
        "size_bytes": ("Size of the search index", figures.size),
    }
    for name, (text, value) in gauges.items():
        yield GaugeMetricFamily(f"teller_search_{name}", text, value)
    totals = {
        "indexed": ("Entries read into the search index", search.indexed),
        "questions": ("Searches asked", search.asked),
        "restarts": ("Search workers started again", search.restarts),
    }
    for name, (text, value) in totals.items():
        yield CounterMetricFamily(f"teller_search_{name}", text, value)


def _of_regions(world: World, now: int) -> Iterator[Metric]:
    """What is on its way to other regions; `now` is the store's time in ms."""
    names = {
        "up": "1 while there is a link to the region",
        "legs_waiting": "Legs on their way to the region",
        "legs_oldest_ms": "Age of the oldest of them",
    }
    gauges = {
        name: GaugeMetricFamily(f"teller_region_{name}", text, labels=["region"])
        for name, text in names.items()
    }
    transit = GaugeMetricFamily(
        "teller_region_in_transit",
        "Money not known to have arrived in the region, in minor units",
        labels=["region", "currency"],
    )
    losses = CounterMetricFamily(
        "teller_region_losses", "Links to the region that broke", labels=["region"]
    )
    for region, link in world.links.items():
        losses.add_metric([region], link.losses)
        waiting = world.surveys[region].waiting
        age = 0 if waiting.oldest_at is None else max(0, now - waiting.oldest_at)
        figures = (int(link.up), waiting.legs, age)
        for gauge, value in zip(gauges.values(), figures, strict=True):
            gauge.add_metric([region], value)
        for currency, amount in waiting.money.items():
            transit.add_metric([region, currency], amount)
    yield from (*gauges.values(), transit, losses)
    yield GaugeMetricFamily(
        "teller_tunnels", "Clients carried on to another region", len(world.roaming.tunnels)
    )
    yield GaugeMetricFamily(
        "teller_rooms_copied", "Rooms kept up to date in other regions", len(world.mirrors.copies)
    )
    yield CounterMetricFamily(
        "teller_directory_asked", "Names asked of other regions", world.directory.asked
    )


class Site:
    """Answers plain GETs on the hub's port. One of several workers asks its parent."""

    def __init__(
        self, services: Services, collector: HubCollector, worker: Worker | None = None
    ) -> None:
        self._services = services
        self._worker = worker
        self._registry = CollectorRegistry()
        for one in (collector, PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
            self._registry.register(one)

    @property
    def store_up(self) -> bool:
        """Whether the store answers."""
        return self._services.stores.up

    def serve(self, path: str, reply: Reply) -> None:
        """Give `reply` the page `path`, now or when the other workers were asked."""
        if self._worker is not None and path in ("/healthz", "/metrics"):
            self._worker.page(path, reply, partial(self._answer_alone, path))
        else:
            reply(*self.answer(path))

    def _answer_alone(self, path: str) -> tuple[int, str, str]:
        """The parent does not answer: our own health will do; half the figures would mislead."""
        if path == "/metrics":
            return 503, "text/plain; charset=utf-8", "The parent process does not answer.\n"
        return self.answer(path)

    def families(self) -> list[Family]:
        """All metrics of this process, as data."""
        return [
            Family(
                one.name,
                one.type,
                one.documentation,
                [(sample.name, sample.labels, sample.value) for sample in one.samples],
            )
            for one in self._registry.collect()
        ]

    def answer(self, path: str) -> tuple[int, str, str]:
        """Status, media type and body of this process' page `path`."""
        if path == "/healthz":
            up = self.store_up
            body = '{"status":"ok","store":"up"}\n' if up else '{"status":"no store"}\n'
            return (200 if up else 503), JSON_TEXT, body
        if path == "/metrics":
            return 200, TEXT, generate_latest(self._registry).decode()
        if path == "/":
            return 200, "text/plain; charset=utf-8", "This is a Teller hub. WebSocket: /ws\n"
        return 404, "text/plain; charset=utf-8", "There is nothing here. WebSocket: /ws\n"
