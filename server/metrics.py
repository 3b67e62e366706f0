"""`/metrics` for Prometheus and `/healthz` for everything else.

The hot path counts in plain integers; they are read when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from .delivery import Delivery
from .services import Services
from .transport import Edge

TEXT = "text/plain; version=0.0.4; charset=utf-8"


class HubCollector(Collector):
    """Reads the hub's counters."""

    def __init__(self, services: Services, delivery: Delivery, edge: Edge) -> None:
        self._services = services
        self._delivery = delivery
        self._edge = edge

    def collect(self) -> Iterator[Metric]:
        services, delivery = self._services, self._delivery
        counters, pipeline = services.counters, services.pipeline
        gauges = {
            "connections": ("Open sockets", len(self._edge.connections)),
            "accounts_connected": ("Accounts with a connection", len(services.hub.parties)),
            "rooms_connected": ("Rooms with a connected member", len(services.hub.rooms)),
            "store_up": ("1 while the store answers", int(services.store.up)),
            "store_clock_ahead_ms": ("Store's clock minus ours", pipeline.store_ahead_ms),
        }
        for name, (text, value) in gauges.items():
            yield GaugeMetricFamily(f"teller_{name}", text, value)
        totals = {
            "frames_in": ("Frames received", counters.frames_in),
            "posts": ("Posts sent to the store", pipeline.posts),
            "store_calls": ("Calls that carried them", pipeline.calls),
            "messages": ("Posts without money that were stored", delivery.messages),
            "payments": ("Posts with money that were stored", delivery.payments),
            "malformed": ("Payloads that were no frames", counters.nonsense),
            "rate_limited": ("Frames refused by a rate", counters.rate_limited),
            "slow_closed": ("Connections closed as slow", counters.slow),
            "idle_closed": ("Connections closed as idle", counters.idle),
            "shed": ("Ephemeral frames dropped", counters.shed),
            "logins": ("Connections that logged in", counters.logins),
            "store_losses": ("Store connections that broke", counters.store_losses),
        }
        for name, (text, value) in totals.items():
            yield CounterMetricFamily(f"teller_{name}", text, value)
        refused = CounterMetricFamily("teller_refused", "Posts the ledger refused", labels=["code"])
        for code, count in delivery.refused.items():
            refused.add_metric([code], count)
        yield refused


class Site:
    """Answers plain GETs on the hub's port."""

    def __init__(self, services: Services, collector: HubCollector) -> None:
        self._services = services
        self._registry = CollectorRegistry()
        for one in (collector, PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
            self._registry.register(one)

    def answer(self, path: str) -> tuple[int, str, str]:
        """Status, media type and body for `path`."""
        if path == "/healthz":
            up = self._services.store.up
            body = '{"status":"ok","store":"up"}\n' if up else '{"status":"no store"}\n'
            return (200 if up else 503), "application/json", body
        if path == "/metrics":
            return 200, TEXT, generate_latest(self._registry).decode()
        if path == "/":
            return 200, "text/plain; charset=utf-8", "This is a Teller hub. WebSocket: /ws\n"
        return 404, "text/plain; charset=utf-8", "There is nothing here. WebSocket: /ws\n"
