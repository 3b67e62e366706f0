"""`limits`: what nothing here can beat, the loopback and the disk."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path

from .. import systems
from ..contest import figures, play
from ..limits import echo, fdatasync
from ..outcome import Outcome
from ..rounds import Contender
from ..stage import Stage, Stand
from ..systems import DATA_HOME, System
from .base import Scenario

FRAMINGS: tuple[echo.Framing, ...] = ("tcp", "websocket")


def run(stage: Stage) -> Outcome:
    """Frames over bare TCP and over the hub's own transport, there and back, with as many
    connections and as much in flight as `dm` has; and appends made durable one by one."""
    with ExitStack() as stack:
        contenders = [_echo(stage, stack, framing) for framing in FRAMINGS]
        contenders += [_sync(stage, size) for size in fdatasync.SIZES]
        held = play(stage, contenders, rate=None)
    return Outcome([row for one in contenders for row in figures(one)], held)


def _echo(stage: Stage, stack: ExitStack, framing: echo.Framing) -> Contender:
    system = stack.enter_context(echo.started(framing))
    client = stack.enter_context(echo.client(system))
    systems.pin(system, client.pid)
    return Stand(system, client).contender("limits", connections=stage.sizes.connections)


def _sync(stage: Stage, size: int) -> Contender:
    disk = System(f"fdatasync {size}", "", 0, "disk")
    folder = Path(stage.load.data or DATA_HOME)
    return Contender("limits", disk, partial(fdatasync.measure, folder), {"size": size})


SCENARIO = Scenario(
    "limits",
    "what nothing here can beat: frames over the loopback and back, and fdatasync",
    lambda stage: (len(FRAMINGS) + len(fdatasync.SIZES)) * stage.sizes.rounds,
    run,
    needs_own_hub=True,
)
