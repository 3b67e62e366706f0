"""The delay line, as its own process, between real sockets."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.load.driver import Generator
from bench.world import probe

from .conftest import WAIT_SECONDS, dial, until

Link = Callable[..., int]
HELD_SECONDS = 0.3
"""Long beside a delay of 2 ms: what has not come by then is held."""


def test_a_planted_delay_shows_and_the_farther_is_the_longer(link: Link, echo_port: int) -> None:
    near = probe.errors(link(echo_port, dest="us", delay=0.01), 0.02, 5)
    far = probe.errors(link(echo_port, dest="au", delay=0.08), 0.16, 5)
    assert min(near + far) >= 0
    assert min(far) + 0.16 > min(near) + 0.02


def test_each_direction_has_its_own_delay(line: Generator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        told = {"source": "eu", "dest": "us", "host": "127.0.0.1"}
        ports = line.call(
            "open",
            links=[
                {
                    **told,
                    "port": server.getsockname()[1],
                    "there": {"delay": 0.15},
                    "back": {"delay": 0.0},
                }
            ],
        )["ports"]
        with dial(ports["eu>us"]) as near:
            far = server.accept()[0]
            with far:
                _one_way(near, far)  # the first one waits for the handshake
                there = _one_way(near, far)
                back = min(_one_way(far, near) for _ in range(20))
    assert there >= 0.15 > back


def _one_way(source: socket.socket, dest: socket.socket) -> float:
    began = time.monotonic()
    source.sendall(b"x")
    assert dest.recv(1) == b"x"
    return time.monotonic() - began


def test_the_first_bytes_wait_for_the_handshake(link: Link, echo_port: int) -> None:
    port = link(echo_port, delay=0.05)
    began = time.monotonic()
    with dial(port) as near:
        near.sendall(b"x")
        assert near.recv(1) == b"x"
        assert time.monotonic() - began >= 4 * 0.05


CHUNKS = st.lists(st.binary(min_size=1, max_size=20_000), min_size=1, max_size=12)


def test_bytes_arrive_whole_and_in_order_whatever_the_weather(
    line: Generator, echo_port: int
) -> None:
    weather = {"delay": 0.002, "jitter": 0.003, "loss": 0.01, "rate": 2e6}
    told = {"host": "127.0.0.1", "port": echo_port, "there": weather, "back": weather}
    number = count()

    @settings(max_examples=15, deadline=None)
    @given(pieces=CHUNKS, cuts=st.sets(st.integers(0, 11), max_size=2))
    def sent_is_received(pieces: list[bytes], cuts: set[int]) -> None:
        pair = {"source": f"eu{next(number)}", "dest": "us"}
        port = line.call("open", links=[{**told, **pair}])["ports"][">".join(pair.values())]
        with dial(port) as near:
            for at, piece in enumerate(pieces):
                if at in cuts:
                    line.call("cut", one=pair["source"], other="us", seconds=0.05)
                near.sendall(piece)
            whole = b"".join(pieces)
            assert probe.read_exactly(near, len(whole)) == whole

    sent_is_received()


def test_a_cut_holds_and_then_drains_in_order(line: Generator, link: Link, echo_port: int) -> None:
    with dial(link(echo_port)) as near:
        near.sendall(b"a")
        assert near.recv(1) == b"a"
        line.call("cut", one="us", other="eu")
        for piece in (b"b", b"c", b"d"):
            near.sendall(piece)
            time.sleep(0.005)
        _holds(near)
        until(lambda: line.call("figures")["links"]["eu>us"]["held"] == 3)
        line.call("heal", one="eu", other="us")
        near.settimeout(WAIT_SECONDS)
        assert probe.read_exactly(near, 3) == b"bcd"
        assert line.call("figures")["links"]["eu>us"]["held"] == 0


def test_a_cut_ends_by_itself(line: Generator, link: Link, echo_port: int) -> None:
    port = link(echo_port)
    began = time.monotonic()
    line.call("cut", one="eu", seconds=HELD_SECONDS)
    with dial(port) as near:  # a connection of the time of the cut
        near.sendall(b"x")
        assert near.recv(1) == b"x"
    assert time.monotonic() - began >= HELD_SECONDS


def test_what_was_held_takes_its_delay_after_the_cut(
    line: Generator, link: Link, echo_port: int
) -> None:
    with dial(link(echo_port, delay=0.1)) as near:
        near.sendall(b"a")
        assert near.recv(1) == b"a"
        line.call("cut", one="eu", other="us")
        near.sendall(b"b")
        time.sleep(HELD_SECONDS)
        healed = time.monotonic()
        line.call("heal", one="eu", other="us")
        assert near.recv(1) == b"b"
        assert time.monotonic() - healed >= 0.2


def test_a_cut_that_lasts_too_long_resets(line: Generator, link: Link, echo_port: int) -> None:
    with dial(link(echo_port)) as near:
        near.sendall(b"a")
        assert near.recv(1) == b"a"
        line.call("cut", one="eu", other="us", abort_after=0.05)
        with pytest.raises(ConnectionResetError):
            _ask(near)  # or before it has said anything
    figures = line.call("figures")["links"]["eu>us"]
    assert (figures["connections"], figures["held"]) == (0, 0)


def test_other_pairs_go_on_during_a_cut(line: Generator, link: Link, echo_port: int) -> None:
    link(echo_port)
    other = link(echo_port, source="au", dest="us")
    line.call("cut", one="eu", other="us")
    with dial(other) as near:
        near.sendall(b"x")
        assert near.recv(1) == b"x"


def test_a_lost_region_resets_and_comes_back(line: Generator, link: Link, echo_port: int) -> None:
    port = link(echo_port)
    with dial(port) as near:
        near.sendall(b"a")
        assert near.recv(1) == b"a"
        line.call("lose", region="us")
        with pytest.raises(ConnectionResetError):
            near.recv(1)
    with pytest.raises(ConnectionResetError), dial(port) as near:  # it may come while we dial
        near.recv(1)
    line.call("restore", region="us")
    with dial(port) as near:
        near.sendall(b"b")
        assert near.recv(1) == b"b"


def test_where_nobody_listens_the_dialler_is_reset(link: Link, echo_port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = link(gone.getsockname()[1])
    with pytest.raises(ConnectionResetError), dial(port) as near:  # it may come while we dial
        near.recv(1)


def test_the_end_of_a_stream_is_carried_behind_its_bytes(link: Link, echo_port: int) -> None:
    with dial(link(echo_port)) as near:
        near.sendall(b"all of it")
        near.shutdown(socket.SHUT_WR)
        assert probe.read_exactly(near, 9) == b"all of it"
        assert near.recv(1) == b""


def test_a_sender_who_is_not_read_has_to_wait(line: Generator, link: Link) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        dial(link(server.getsockname()[1])) as near,
        server.accept()[0] as far,
    ):
        whole = os.urandom(48 << 20)
        sender = threading.Thread(target=near.sendall, args=(whole,))
        sender.start()
        time.sleep(HELD_SECONDS)
        assert line.call("figures")["links"]["eu>us"]["held"] < 24 << 20
        assert sender.is_alive()
        assert probe.read_exactly(far, len(whole)) == whole
        sender.join(WAIT_SECONDS)


def test_the_weather_can_change(line: Generator, link: Link, echo_port: int) -> None:
    with dial(link(echo_port)) as near:
        near.sendall(b"a")
        assert near.recv(1) == b"a"
        slow = {"delay": 0.1}
        line.call("change", source="eu", dest="us", there=slow, back=slow)
        began = time.monotonic()
        near.sendall(b"b")
        assert near.recv(1) == b"b"
        assert time.monotonic() - began >= 0.2


def test_a_link_that_is_not_there_is_told(line: Generator) -> None:
    with pytest.raises(BenchError, match="no link between eu and mars"):
        line.call("cut", one="eu", other="mars")


def test_the_line_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    code = "from bench.world.line import line; import time\nwith line() as one:\n"
    code += " one.call('figures'); print(one.pid, flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    until(lambda: not Path(f"/proc/{pid}").exists())


def _ask(near: socket.socket) -> bytes:
    near.sendall(b"b")
    return near.recv(1)


def _holds(near: socket.socket) -> None:
    """Nothing comes."""
    near.settimeout(HELD_SECONDS)
    with pytest.raises(TimeoutError):
        near.recv(1)
