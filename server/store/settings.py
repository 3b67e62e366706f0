"""The embedded server's configuration file."""

from __future__ import annotations

from .directory import DataDirectory
from .endpoint import Durability

_APPEND: dict[Durability, tuple[str, str]] = {
    "disk": ("yes", "always"),
    "everysec": ("yes", "everysec"),
    "memory": ("no", "everysec"),
}

_TEMPLATE = """\
# Written by Teller at every start of its embedded store; changes made here are lost.
# The settings decide whether acknowledged money survives a crash.

# Reachable through this socket only, and only by the user who runs Teller.
port 0
unixsocket {socket}
unixsocketperm 700

dir {directory}
logfile {log_file}
pidfile {pid_file}
loglevel notice
daemonize no

# Every write goes to the append-only file; "always" syncs it before the answer is sent.
appendonly {appendonly}
appendfsync {appendfsync}
no-appendfsync-on-rewrite no
# A power cut can leave half an entry at the end: it was never acknowledged, so it is dropped.
aof-load-truncated yes
aof-use-rdb-preamble yes
# Rewrite the file when it has doubled, but not before it is worth the work.
auto-aof-rewrite-percentage 100
auto-aof-rewrite-min-size 64mb
save ""

# Money is never evicted: a full store refuses writes.
maxmemory-policy noeviction
# Milliseconds. A function that runs this long is a fault; others then get BUSY, not silence.
busy-reply-threshold 500
"""


def server_settings(directory: DataDirectory, durability: Durability) -> str:
    """The configuration of the server whose data is in `directory`."""
    appendonly, appendfsync = _APPEND[durability]
    return _TEMPLATE.format(
        socket=_quoted(directory.socket),
        directory=_quoted(directory.path),
        log_file=_quoted(directory.log_file),
        pid_file=_quoted(directory.pid_file),
        appendonly=appendonly,
        appendfsync=appendfsync,
    )


def _quoted(path: object) -> str:
    """`path` as the server reads it: in quotes, with what would end a quote or a line escaped."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("\n", "\\n").replace("\r", "\\r") + '"'
