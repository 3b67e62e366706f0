"""Regions in network namespaces, where the machine lets us make some."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.world import netns
from bench.world.netns import Places, inside, lacks, ping, places
from bench.world.planet import planet
from bench.world.probe import read_exactly

from .conftest import WAIT_SECONDS, until

REASON = lacks()

pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))


@pytest.fixture
def two() -> Iterator[Places]:
    with places(["FRA", "DUB"], planet()) as made:
        yield made


def test_a_ping_takes_the_round_trip(two: Places) -> None:
    fra, dub = two.by_name["FRA"], two.by_name["DUB"]
    assert min(ping(fra, dub, 5)) >= 2 * planet().one_way("FRA", "DUB")


def test_the_kernel_s_own_tcp_runs_between_them(two: Places) -> None:
    fra, dub = two.by_name["FRA"], two.by_name["DUB"]
    with inside(dub.namespace):
        server = socket.create_server((dub.address, 0))
    with inside(fra.namespace):
        near = socket.socket()
    whole = os.urandom(300_000)
    with server, near:
        near.settimeout(WAIT_SECONDS)
        began = time.monotonic()
        near.connect((dub.address, server.getsockname()[1]))
        assert time.monotonic() - began >= 2 * planet().one_way("FRA", "DUB")
        two.router.call("change", source="FRA", dest="DUB", weather={"delay": 0.01, "loss": 0.05})
        with server.accept()[0] as far:
            far.settimeout(WAIT_SECONDS)
            sender = threading.Thread(target=near.sendall, args=(whole,))
            sender.start()
            assert read_exactly(far, len(whole)) == whole  # sent again by the kernel where lost
            sender.join(WAIT_SECONDS)
    assert two.router.call("figures")["dropped"] > 0


def test_a_cut_drops_and_heals(two: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netns, "PING_SECONDS", 0.3)
    fra, dub = two.by_name["FRA"], two.by_name["DUB"]
    two.router.call("cut", one="FRA", other="DUB")
    with pytest.raises(TimeoutError):
        ping(fra, dub, 1)
    two.router.call("heal", one="DUB", other="FRA")
    monkeypatch.setattr(netns, "PING_SECONDS", WAIT_SECONDS)
    assert len(ping(fra, dub, 1)) == 1


def test_a_lost_region_is_silent_until_it_is_back(
    two: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    fra, dub = two.by_name["FRA"], two.by_name["DUB"]
    monkeypatch.setattr(netns, "PING_SECONDS", 0.3)
    two.router.call("lose", region="DUB")
    with pytest.raises(TimeoutError):
        ping(fra, dub, 1)
    two.router.call("restore", region="DUB")
    monkeypatch.setattr(netns, "PING_SECONDS", WAIT_SECONDS)
    assert len(ping(fra, dub, 1)) == 1


def test_a_command_runs_there(two: Places) -> None:
    command = two.by_name["DUB"].command("ip", "-brief", "address")
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "10.87.0.2/24" in told


def test_nothing_is_left_when_the_parent_is_killed() -> None:
    code = (
        "import time, os\n"
        "from bench.world.netns import places\n"
        "from bench.world.planet import planet\n"
        "with places(['FRA', 'DUB'], planet()) as made:\n"
        "    print(os.readlink(made.by_name['FRA'].namespace), made.router.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout is not None
        namespace, router = one.stdout.readline().split()
        assert _held(namespace)
        one.send_signal(signal.SIGKILL)
    until(lambda: not Path(f"/proc/{router}").exists())
    until(lambda: not _held(namespace))


def _held(namespace: str) -> bool:
    """Whether a process has it open, or is in it."""
    for pattern in ("[0-9]*/ns/net", "[0-9]*/fd/*"):
        for link in Path("/proc").glob(pattern):
            try:
                if os.readlink(link) == namespace:
                    return True
            except OSError:  # it has just ended
                continue
    return False
