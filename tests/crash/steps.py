"""The steps of the pipeline at which a hub can be made to die. Nothing in the hub knows of them:
`arm` wraps one function of the real code, and the n-th pass after SIGUSR1 is the last."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

from server import peer
from server.commit import outcomes, pipeline
from server.courier import courier, lane
from server.edge import outbox
from server.entering import entrance
from server.store import connection
from server.telling import announcer, catchup, hub

Wrapper = Callable[..., Any]


def die() -> None:
    """As if the power went: no handler, no flush, no goodbye."""
    os.kill(os.getpid(), signal.SIGKILL)


class Fuse:
    """Counts passes once it is lit."""

    def __init__(self, passes: int) -> None:
        self._left = passes
        self._lit = False

    def light(self) -> None:
        """Count from now on."""
        self._lit = True

    def burns(self) -> bool:
        """Whether this pass is the last one."""
        self._left -= self._lit
        return self._lit and self._left <= 0


def before(original: Wrapper, fuse: Fuse) -> Wrapper:
    """Die instead of calling `original`."""

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if fuse.burns():
            die()
        return original(*args, **kwargs)

    return wrapped


def after(original: Wrapper, fuse: Fuse) -> Wrapper:
    """Call `original` a last time, and die before its caller goes on."""

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        if fuse.burns():
            die()
        return result

    return wrapped


def die_when_written(transports: list[Any]) -> None:
    """uvloop writes at the end of the loop's turn: die as soon as the kernel has everything."""
    loop = asyncio.get_running_loop()
    if any(one.get_write_buffer_size() for one in transports if not one.is_closing()):
        loop.call_soon(die_when_written, transports)
    else:
        die()


def written(original: Wrapper, fuse: Fuse) -> Wrapper:
    """Write a call to the store's socket, and die before the reply."""

    def wrapped(wire: Any) -> None:
        original(wire)
        if fuse.burns():
            die_when_written([wire.transport])

    return wrapped


def flushed(share: float) -> Callable[[Wrapper, Fuse], Wrapper]:
    """Write the first `share` of this turn's outboxes to their sockets, and die."""

    def wrap(original: Wrapper, fuse: Fuse) -> Wrapper:
        def wrapped(flusher: Any) -> None:
            if not fuse.burns():
                original(flusher)
                return
            dirty = flusher._dirty
            flusher._dirty = dirty[: max(1, int(len(dirty) * share))]
            transports = [one._transport for one in flusher._dirty]
            original(flusher)
            die_when_written(transports)

        return wrapped

    return wrap


def announcing(original: Wrapper, fuse: Fuse) -> Wrapper:
    """Die when four members of a room have its entry in their outboxes, and the rest not."""
    puts = Fuse(5)
    outbox.Outbox.put = before(outbox.Outbox.put, puts)  # type: ignore[method-assign]

    def wrapped(desk: Any) -> Any:
        if desk._room is not None and fuse.burns():
            puts.light()
        return original(desk)

    return wrapped


STEPS: dict[str, tuple[Any, str, Callable[[Wrapper, Fuse], Wrapper]]] = {
    "decoded": (pipeline.Pipeline, "post", before),
    "queued": (pipeline.Pipeline, "post", after),
    "packed": (pipeline, "pack_call", after),
    "written": (connection.Wire, "_flush", written),
    "replied": (connection.Wire, "data_received", before),
    "parsed": (outcomes.Outcomes, "answered", before),
    "announcing": (announcer.Announcer, "flush", announcing),
    "acknowledged": (outcomes.Outcomes, "answered", after),
    "half flushed": (outbox.Flusher, "_flush", flushed(0.5)),
    "flushed": (outbox.Flusher, "_flush", flushed(1.0)),
    "registered": (entrance.Entrance, "registered", before),
    "entering": (hub.Hub, "enter", after),
    "caught up": (catchup.CatchUp, "partition_up", after),
    "draining": (peer.Peer, "goodbye", after),
}
"""Where each step is: the owner of a function, its name, and how it is wrapped."""
CROSSING: dict[str, tuple[Any, str, Callable[[Wrapper, Fuse], Wrapper]]] = {
    "sent": (courier.Courier, "settled", before),
    "pushed": (lane.Lane, "_push", after),
    "pushed, written": (connection.Wire, "_flush", written),
    "arrived": (lane.Lane, "arrived", before),
    "settling": (lane.Lane, "_settle", after),
    "settled": (lane.Lane, "_has_settled", before),
}
"""The same for the way of a leg to another partition."""


def arm(step: str, passes: int) -> None:
    """Let this process die at the given pass of `step`, counted from SIGUSR1 on."""
    owner, name, wrap = {**STEPS, **CROSSING}[step]
    fuse = Fuse(passes)
    signal.signal(signal.SIGUSR1, lambda *_: fuse.light())
    setattr(owner, name, wrap(getattr(owner, name), fuse))
