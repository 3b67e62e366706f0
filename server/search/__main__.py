"""The search worker's process: `python -m server.search PARENT_PID CONTROL_FD`.

Only `server.search.process` starts it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys

import msgspec

from ..logs import configure_logs
from ..store.connection import Down, Lost, Refused
from ..store.endpoint import StoreError
from ..store.leash import tie_to
from ..workers.pipe import Pipe, revive
from .messages import Start, ToWorker
from .worker import SearchWorker

NICE = 15
"""Against a busy hub this process gets three or four of a hundred parts of a processor."""


def main() -> int:
    """Work until the hub is gone; the exit code."""
    parent, control = map(int, sys.argv[1:])
    if not tie_to(parent, signal.SIGKILL):
        return 1
    os.nice(NICE)
    return asyncio.run(_work(socket.socket(fileno=control)))


async def _work(control: socket.socket) -> int:
    decoder = msgspec.msgpack.Decoder(ToWorker, dec_hook=revive)
    pipe: Pipe[ToWorker] = await Pipe.over(control, decoder.decode)
    order = await pipe.receive()
    if not isinstance(order, Start):
        return 1
    configure_logs(order.log_format, part="search")
    try:
        await SearchWorker(pipe, order).run()
    except (StoreError, Down, Lost, Refused, OSError, TimeoutError) as error:
        print(f"teller: search: {str(error) or repr(error)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
