"""The keys of a store with one partition."""

from __future__ import annotations

from server.ledger.keys import Keyspace

KEYS = Keyspace()
keys_of = KEYS.of
total_key = KEYS.total
