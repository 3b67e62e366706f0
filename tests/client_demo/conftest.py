"""The app's tests wait until what they typed is handled, and not for an idle process."""

from __future__ import annotations

import pytest
from textual._context import active_app
from textual.message_pump import MessagePump
from textual.pilot import Pilot

QUIET_ROUNDS = 3
"""Times that all queues are found empty, one behind the other: a handler may be between two."""
ROUNDS_MAX = 100


async def handled(*_: float) -> None:
    """Wait until the app has handled what is in its queues, and what follows from that."""
    app, quiet = active_app.get(), 0
    for _ in range(ROUNDS_MAX):
        await Pilot(app)._wait_for_screen()
        if not app.screen_stack:
            return  # it ends
        app.screen._on_timer_update()
        pumps: list[MessagePump] = [app, *app.screen.walk_children(with_self=True)]
        quiet = quiet + 1 if all(pump.message_queue_size == 0 for pump in pumps) else 0
        if quiet == QUIET_ROUNDS:
            return


@pytest.fixture(autouse=True)
def _no_wait_for_an_idle_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual waits, up to a second for each key and pause, until the whole process takes no time.
    Here the hub and other clients are in it, so that may never be."""
    monkeypatch.setattr("textual.app.wait_for_idle", handled)
    monkeypatch.setattr("textual.pilot.wait_for_idle", handled)
