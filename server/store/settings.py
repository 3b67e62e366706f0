"""The configuration file of an embedded server, alone or as a node of a local cluster."""

from __future__ import annotations

from .directory import DataDirectory
from .endpoint import Durability

_APPEND: dict[Durability, tuple[str, str]] = {
    "replica": ("yes", "always"),
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


_CLUSTER_TEMPLATE = """
# A node of a cluster on this machine. Anybody who has an account here can connect to it.
bind 127.0.0.1
port {port}
cluster-enabled yes
cluster-config-file nodes.conf
cluster-announce-ip 127.0.0.1
cluster-node-timeout {node_timeout_ms}
# A partition whose primary is down must not stop the others.
cluster-require-full-coverage no
# Who replicates whom stays as it was set up, also when a primary has no slots left.
cluster-allow-replica-migration no
# A replica that missed much may not take over: better wait for the primary's disk than lose money.
cluster-replica-validity-factor 10
# Writes go on without a replica. Who wants none lost in a failover asks for "replica", and learns
# from each ack whether it was reached.
min-replicas-to-write 0
# A replica that was away for a moment continues where it was, instead of copying everything.
repl-backlog-size 64mb
repl-diskless-sync-delay 0
# Seconds that a primary which is told to end waits for its replicas to catch up.
shutdown-timeout 2
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


def cluster_settings(port: int, node_timeout_ms: int) -> str:
    """What the configuration of a cluster's node says besides; later lines win over earlier ones.

    The cluster's bus listens on `port` + 10,000.
    """
    return _CLUSTER_TEMPLATE.format(port=port, node_timeout_ms=node_timeout_ms)


def _quoted(path: object) -> str:
    """`path` as the server reads it: in quotes, with what would end a quote or a line escaped."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("\n", "\\n").replace("\r", "\\r") + '"'
