"""The two ledgers that keep the contract, with one face: the store's, and the model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import redis

from server.ledger.keys import WORLD
from server.ledger.model import Model, Value
from server.ledger.posts import Post, pack_call, results
from tests.single import KEYS, keys_of, total_key

from .builders import record

FIRST_TIME = 1_700_000_000_000
"""When the model's clock begins, in ms; each call takes one."""


class StoreLedger:
    """A real store, emptied, and the function library in it."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        client.flushall()
        client.set(keys_of(WORLD).record, record("4 0"))

    def apply(self, posts: Iterable[Post]) -> list[Any]:
        """The time in ms, then the result of each post."""
        posts = list(posts)
        reply = self.client.execute_command(*pack_call(posts))
        return [reply[0], *results(posts, reply)]

    def sweep(self, marks: list[bytes], before: int) -> int:
        return self.client.execute_command("FCALL", "teller_sweep", len(marks), *marks, before)

    def books(self, *currencies: str) -> list[list[bytes]]:
        keys = [keys_of(WORLD).record, *map(total_key, currencies)]
        return self.client.execute_command(
            "FCALL_RO", "teller_books", len(keys), *keys, *currencies
        )

    def contents(self) -> dict[bytes, Value]:
        """Every key with its value."""
        keys = self.client.keys()
        pipe = self.client.pipeline(transaction=False)
        for key in keys:
            pipe.type(key)
        types = pipe.execute()
        for key, kind in zip(keys, types, strict=True):
            _READ[kind](pipe, key)
        return dict(zip(keys, pipe.execute(), strict=True))

    def dump(self) -> dict[bytes, bytes]:
        """Every key as the server serializes it: equal dumps are byte-identical stores."""
        keys = sorted(self.client.keys())
        pipe = self.client.pipeline(transaction=False)
        for key in keys:
            pipe.dump(key)
        return dict(zip(keys, pipe.execute(), strict=True))


_READ = {
    b"string": lambda pipe, key: pipe.get(key),
    b"list": lambda pipe, key: pipe.lrange(key, 0, -1),
    b"hash": lambda pipe, key: pipe.hgetall(key),
    b"set": lambda pipe, key: pipe.smembers(key),
}


class ModelLedger:
    """The model, with a clock that counts calls."""

    def __init__(self) -> None:
        self.model = Model(KEYS)
        self.now = FIRST_TIME

    def apply(self, posts: Iterable[Post]) -> list[Any]:
        self.now += 1
        return self.model.apply(posts, self.now)

    def sweep(self, marks: list[bytes], before: int) -> int:
        return self.model.sweep(marks, before)

    def books(self, *currencies: str) -> list[list[bytes]]:
        return self.model.books(currencies)

    def contents(self) -> dict[bytes, Value]:
        return self.model.contents()

    def dump(self) -> dict[bytes, bytes]:
        return {key: repr(value).encode() for key, value in self.contents().items()}
