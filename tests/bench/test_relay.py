"""The plain relay and the generator, as real processes."""

import os

from bench import procfs, systems
from bench.load.driver import Generator
from bench.rounds import Contender

PLAN = {"seconds": 0.3, "warm_up": 0.1, "depth": 2, "rate": None}


def test_the_relay_forwards_acknowledges_and_broadcasts() -> None:
    with (
        systems.relay() as relay,
        Generator.of_clients(relay.host, relay.port, "json") as generator,
    ):
        generator.call("register", number=6)
        generator.call("join")
        pairs = {"do": "pairs", "kind": "message", "size": 20}
        room = {"do": "room", "senders": 2, "size": 20}
        for order, copies in ((pairs, 1), (room, 5)):
            one = Contender("any", relay, generator, order).play(PLAN)
            assert one.wrong == ""
            assert one.sent > one.acked > 0
            assert one.delivered >= one.acked * copies - 2 * 6 * copies
            assert one.cpu_ns["server"] > 0
            assert 0 < one.generator_cpu < 1.5


def test_processes_are_found_and_measured() -> None:
    with systems.relay() as relay:
        server = relay.pids["server"]
        assert server in procfs.descendants(os.getpid())
        assert procfs.cpu_ns(server) > 0
        assert procfs.resident_bytes(server) > 1_000_000
