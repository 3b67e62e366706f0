"""One worker: `python -m server.workers NAME PARENT_PID CONTROL_FD LISTENING_FD ...`.

Only `server.workers.process` starts it.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys

import uvloop

from ..app import App
from ..config import SettingsError
from ..ledger.library import LibraryError
from ..logs import configure_logs
from ..store.endpoint import StoreError
from ..store.leash import tie_to
from .messages import Start, pipe_over
from .worker import Worker


def main() -> int:
    """Serve until SIGTERM, or until the parent is gone; the exit code."""
    name, parent, control, *listening = sys.argv[1:]
    # SIGKILL, because a worker that is stopped or stuck must not outlive its parent either.
    if not tie_to(int(parent), signal.SIGKILL):
        return 1
    sockets = [socket.socket(fileno=int(one)) for one in listening]
    return uvloop.run(_work(name, socket.socket(fileno=int(control)), sockets))


async def _work(name: str, control: socket.socket, sockets: list[socket.socket]) -> int:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    pipe = await pipe_over(control)
    order = await pipe.receive()
    if not isinstance(order, Start):
        return 1
    configure_logs(order.settings.log_format, worker=name)
    worker = Worker(pipe, sockets)
    app = App(order.settings, worker)
    try:
        await app.start()
    except (SettingsError, StoreError, LibraryError) as error:
        worker.failed(error)
        await worker.leave()
        return 1
    worker.ready()
    orders = asyncio.create_task(worker.obey(app.site))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({orders, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await app.stop()
    worker.tell(app.site)
    orders.cancel()
    await worker.leave()
    return 0


if __name__ == "__main__":
    sys.exit(main())
