"""ejabberd from Debian, unpacked into a folder: no system user, no node name, no epmd."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import systems
from bench.errors import BenchError
from bench.systems import NO_STORE, System

from . import install
from .launch import CHAT, PROGRAMS
from .listener import listening
from .peer import Peer

PACKAGE = "ejabberd"
CONFIG = PROGRAMS / "ejabberd.yml"

# One core, so one scheduler; one that has nothing to do sleeps instead of spinning, because a
# spin would be counted as the cost of messages.
LEAN = ["+S", "1:1", "+sbwt", "none", "+sbwtdcpu", "none"]
MANY_FILES = ["/bin/sh", "-c", 'ulimit -n "$(ulimit -Hn)"; exec "$@"', "sh"]


def environment(folder: Path, here: str) -> dict[str, str]:
    """What Erlang and ejabberd want to know, unpacked in `folder` and with files in `here`.

    Raises:
        BenchError: if they are not there.
    """
    root = folder / "root"
    base = root if root.is_dir() else Path("/")  # the system's own, where it is installed
    erlang = base / "usr/lib/erlang"
    runtimes = sorted(erlang.glob("erts-*/bin"))
    libraries = sorted(base.glob("usr/lib/*/ejabberd-*"))
    if not (runtimes and libraries):
        raise BenchError(f"there is no ejabberd with its Erlang in {base}")
    return {
        "ROOTDIR": str(erlang),
        "BINDIR": str(runtimes[-1]),
        "HOME": here,
        **dict.fromkeys(("ERL_LIBS", "LD_LIBRARY_PATH"), str(libraries[-1].parent)),
        "ERL_CRASH_DUMP_SECONDS": "0",
        "EJABBERD_CONFIG_PATH": f"{here}/ejabberd.yml",
        "EJABBERD_LOG_PATH": f"{here}/ejabberd.log",
    }


@contextmanager
def _start(folder: Path) -> Iterator[System]:
    with tempfile.TemporaryDirectory(prefix="teller-bench-", dir=systems.DATA_HOME) as here:
        env, port, log = environment(folder, here), systems.free_port(), Path(here, "out.log")
        Path(here, "ejabberd.yml").write_text(CONFIG.read_text().replace("@PORT@", str(port)))
        boot = ["-boot", f"{env['ROOTDIR']}/bin/start_sasl", "-noinput", "-s", "ejabberd"]
        command = [*MANY_FILES, f"{env['BINDIR']}/erlexec", *LEAN, *boot]
        command += ["-mnesia", "dir", f'"{here}/mnesia"']
        with listening(PEER, port, command, env, log) as system:
            yield system


PEER = Peer(
    "ejabberd",
    "ejabberd (XMPP): keeps nothing; the ack (XEP-0198) says that it took the stanza, not more",
    "xmpp",
    NO_STORE,
    CHAT,
    missing=lambda folder: install.lacks(folder, PACKAGE),
    install=lambda folder: install.debian(folder, PACKAGE),
    start=_start,
)
