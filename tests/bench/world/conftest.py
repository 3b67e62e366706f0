"""A line of its own process, and a server behind it."""

from __future__ import annotations

import socket
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


def dial(port: int) -> socket.socket:
    """A connection that does not wait for ever."""
    return socket.create_connection(("127.0.0.1", port), WAIT_SECONDS)
