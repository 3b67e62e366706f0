"""Run a program that dies with the process that started it, even if that one is SIGKILLed.

    python -I -S leash.py PARENT_PID KEEP PROGRAM [ARGUMENT ...]

A script of its own rather than a `preexec_fn`: between fork and exec of a process that has threads,
running Python can deadlock. It becomes PROGRAM by `exec`, so the process id stays the same. Of the
inherited file descriptors only the standard three and KEEP stay open (uvloop closes none), and the
files that PROGRAM makes are private.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def tie_to(parent: int, number: signal.Signals) -> bool:
    """Let the kernel send this process the signal `number` when its parent dies (Linux only).

    False if the process `parent` died before the kernel could know of the wish.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    return os.getppid() == parent


def main() -> None:
    """Ask for a SIGTERM when the parent dies, then become the program."""
    parent, keep, program, *arguments = sys.argv[1:]
    if not tie_to(int(parent), signal.SIGTERM):
        return
    os.closerange(3, int(keep))
    os.closerange(int(keep) + 1, os.sysconf("SC_OPEN_MAX"))
    os.umask(0o077)
    os.execv(program, [program, *arguments])


if __name__ == "__main__":
    main()
