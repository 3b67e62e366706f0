"""Systems to stand beside Teller in the same run."""

from __future__ import annotations

from . import (
    bare,
    channels,
    ejabberd,
    jetstream,
    nats,
    postgresql,
    postgresql_async,
    python_socketio,
    relay,
    socketio,
    tigerbeetle,
    uws,
    ws,
)
from .peer import Peer, home

RELAYS = (bare, relay, ws, uws, socketio, python_socketio, channels)
BROKERS = (nats, jetstream, ejabberd)
LEDGERS = (postgresql, postgresql_async, tigerbeetle)

PEERS: dict[str, Peer] = {one.PEER.name: one.PEER for one in (*RELAYS, *BROKERS, *LEDGERS)}
"""All adapters, by name, in the order in which they are listed."""

__all__ = ["PEERS", "Peer", "home"]
