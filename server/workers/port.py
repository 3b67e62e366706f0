"""The one port of all workers.

Each worker has listening sockets of its own (`SO_REUSEPORT`: the kernel spreads new connections
over them). The parent makes them and keeps them open, so what waits in a queue survives the end of
a worker: the next one of its place accepts it. HAProxy and nginx hand their sockets over for the
same reason.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable
from functools import partial

from ..config import SettingsError
from ..edge.listening import BACKLOG, cannot_listen

PATIENCE_S = 1.0
"""Seconds to ask again for a port that an earlier server may be about to leave."""
_POLL_S = 0.05

Address = tuple[socket.AddressFamily, tuple[str, int]]


class Port:
    """Listening sockets on `host` and `number`, for `places` workers."""

    def __init__(self, host: str, number: int, places: int) -> None:
        """Take the port; 0 takes a free one.

        Raises:
            SettingsError: if it is in use, or cannot be had.
        """
        if sys.platform != "linux":
            raise SettingsError(
                "--workers: more than one needs Linux; elsewhere the kernel does not spread "
                "connections over processes"
            )
        self.number = number
        self._host = host
        self._places: list[list[socket.socket]] = [[] for _ in range(places)]
        self._locks: list[socket.socket] = []
        try:
            self._addresses = _resolve(host, number)
            self._take()
        except OSError as error:
            self.close()
            raise cannot_listen(host, number, error) from None

    def sockets(self, place: int) -> list[socket.socket]:
        """The sockets of one place; made anew if they were dropped (then not listening yet)."""
        if not self._places[place]:
            self._places[place] = [
                _bound(family, (host, self.number), shared=True)
                for family, (host, _) in self._addresses
            ]
        return self._places[place]

    def drop(self, place: int) -> None:
        """Close the sockets of a place that has no worker, so that new connections go elsewhere.

        Those in its queue are reset; nothing was read from them.
        """
        for one in self._places[place]:
            one.close()
        self._places[place] = []

    def close(self) -> None:
        """Close everything: the parent takes no more connections."""
        for place in range(len(self._places)):
            self.drop(place)
        for lock in self._locks:
            lock.close()
        self._locks.clear()

    def _take(self) -> None:
        if self.number == 0:
            family, (host, _) = self._addresses[0]
            first = _bound(family, (host, 0), shared=True)
            self.number = first.getsockname()[1]
            self._lock()
            first.close()  # nobody else can have got it: free ports are not given twice at once
        else:
            self._lock()
            self._probe()
        for place in range(len(self._places)):
            for one in self.sockets(place):
                one.listen(BACKLOG)

    def _lock(self) -> None:
        """Take a name that only one process of this network namespace can have.

        With `SO_REUSEPORT` a second server of the same user could join the port between our look
        and our bind. A name in Linux' abstract socket namespace goes when its owner does.
        """
        for _, (host, _) in self._addresses:
            lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._locks.append(lock)
            name = f"\0teller/port/{host}/{self.number}"
            _patiently(partial(lock.bind, name))

    def _probe(self) -> None:
        """See that nobody is on the port, not even somebody who shares it."""
        for family, (host, _) in self._addresses:
            _patiently(partial(_probe, family, (host, self.number)))


def _patiently(act: Callable[[], None]) -> None:
    """Try `act` again for a while: a server that was just killed takes a moment to be gone."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return act()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_S)


def _probe(family: socket.AddressFamily, address: tuple[str, int]) -> None:
    _bound(family, address, shared=False).close()


def _resolve(host: str, number: int) -> list[Address]:
    found = socket.getaddrinfo(
        host or None, number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    return list({(family, (str(at[0]), number)): None for family, _, _, _, at in found})


def _bound(family: socket.AddressFamily, address: tuple[str, int], shared: bool) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.setblocking(False)
        one.bind(address)
    except OSError:
        one.close()
        raise
    return one
