"""How exact a line is: the round trip of a few bytes over it, beside what it should take."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PROBE = b"p" * 64
PAUSE_SECONDS = 0.002
WAIT_SECONDS = 10


@contextmanager
def echo() -> Iterator[int]:
    """A server on 127.0.0.1 that sends back what it gets; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server,), daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)  # wakes `accept`


def errors(port: int, round_trip: float, number: int) -> list[float]:
    """Of `number` round trips to an echo behind `port`: how many seconds each took longer than
    `round_trip`."""
    found = []
    with socket.create_connection(("127.0.0.1", port), WAIT_SECONDS) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for ordinal in range(number + 1):
            began = time.perf_counter()
            line.sendall(PROBE)
            read_exactly(line, len(PROBE))
            if ordinal:  # the first one waits for the handshake
                found.append(time.perf_counter() - began - round_trip)
            time.sleep(PAUSE_SECONDS)
    return found


def read_exactly(line: socket.socket, size: int) -> bytes:
    """The next `size` bytes.

    Raises:
        EOFError: if the stream ends before.
    """
    got = bytearray()
    while len(got) < size:
        if not (piece := line.recv(size - len(got))):
            raise EOFError(f"the stream ended after {len(got)} of {size} bytes")
        got += piece
    return bytes(got)


def _serve(server: socket.socket) -> None:
    while True:
        try:
            line, _ = server.accept()
        except OSError:  # closed
            return
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_send_back, args=(line,), daemon=True).start()


def _send_back(line: socket.socket) -> None:
    with line:
        try:
            while piece := line.recv(65_536):
                line.sendall(piece)
        except OSError:  # reset
            return
