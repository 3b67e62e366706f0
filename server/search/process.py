"""The hub's side of its search worker: the process and the line to it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from contextlib import suppress
from pathlib import Path

import msgspec

from ..store.process import how_it_ended
from ..workers.pipe import Pipe, revive
from .messages import ToHub

_ROOT = Path(__file__).parents[2]


class SearchProcess:
    """One search worker, from its start to its end."""

    def __init__(self, process: Process, pipe: Pipe[ToHub]) -> None:
        self._process = process
        self.pipe = pipe

    @classmethod
    async def start(cls) -> SearchProcess:
        """A new one; it waits for a `Start`.

        Raises:
            OSError: there can be no process.
        """
        ours, theirs = socket.socketpair()
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", __package__, str(os.getpid()), str(theirs.fileno())),
                stdin=DEVNULL,
                env={**os.environ, "PYTHONPATH": path},
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # the terminal's Ctrl-C and hang-up are the hub's
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        decoder = msgspec.msgpack.Decoder(ToHub, dec_hook=revive)
        return cls(process, await Pipe.over(ours, decoder.decode))

    @property
    def pid(self) -> int:
        return self._process.pid

    async def end(self) -> str:
        """End it, if it has not ended. It loses nothing: the index takes all or nothing."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
        await self._process.wait()
        await self.pipe.close()
        return how_it_ended(self._process)
