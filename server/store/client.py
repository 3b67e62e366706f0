"""A plain client for admin work: checks, loading functions, audits. Posts do not go through it."""

from __future__ import annotations

from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

from .endpoint import Endpoint

POOL_CONNECTIONS = 4
"""Admin work is a few commands at a time; a fifth caller waits."""


def redis_client(endpoint: Endpoint, *, timeout: float = 5.0) -> Redis:
    """A client of the store at `endpoint` that never sends a command twice.

    Answers are bytes. Connecting, waiting for a free connection and each answer are limited to
    `timeout` seconds. Nothing is sent before the first command. Close it with ``aclose()``.
    """
    pool = BlockingConnectionPool(
        max_connections=POOL_CONNECTIONS,
        timeout=timeout,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        # redis-py's default would send a command again after a time-out, and apply it twice.
        retry=Retry(NoBackoff(), 0),
        protocol=3,
        decode_responses=False,
        db=endpoint.database,
        username=endpoint.username,
        password=endpoint.password,
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
        **_transport(endpoint),
    )
    return Redis.from_pool(pool)


def cluster_client(endpoint: Endpoint, *, timeout: float = 5.0) -> RedisCluster:
    """The same for a cluster, of which `endpoint` names some servers. It follows the slots."""
    return RedisCluster(
        startup_nodes=[ClusterNode(seed.host, seed.port) for seed in endpoint.seeds()],
        require_full_coverage=False,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        protocol=3,
        username=endpoint.username,
        password=endpoint.password,
        ssl=endpoint.tls,
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )


def _transport(endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.unix_path is not None:
        return {"connection_class": UnixDomainSocketConnection, "path": endpoint.unix_path}
    return {
        "connection_class": SSLConnection if endpoint.tls else Connection,
        "host": endpoint.host,
        "port": endpoint.port,
    }
