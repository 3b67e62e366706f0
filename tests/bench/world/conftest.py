"""A line of its own process, and a server behind it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import pytest

from bench.load.driver import Generator
from bench.world import probe
from bench.world.line import line as a_line

WAIT_SECONDS = 20


@pytest.fixture
def line() -> Iterator[Generator]:
    with a_line() as one:
        yield one


@pytest.fixture
def echo_port() -> Iterator[int]:
    with probe.echo() as port:
        yield port


@pytest.fixture
def link(line: Generator) -> Callable[..., int]:
    """Opens a link to a port, and gives its own."""

    def make(port: int, source: str = "eu", dest: str = "us", **weather: object) -> int:
        there = {"delay": 0.002, **weather}
        told = {"source": source, "dest": dest, "host": "127.0.0.1", "port": port}
        answer = line.call("open", links=[{**told, "there": there, "back": there}])
        number: int = answer["ports"][f"{source}>{dest}"]
        return number

    return make


def until(condition: Callable[[], object]) -> None:
    """Wait until `condition` is true; give up loudly."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


def dial(port: int) -> socket.socket:
    """A connection that does not wait for ever."""
    return socket.create_connection(("127.0.0.1", port), WAIT_SECONDS)
