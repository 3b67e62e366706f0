"""The ledgers that keep the contract, with one face: the store's, and the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import redis

from server.ledger.keys import WORLD, Keyspace
from server.ledger.lanes import WRAP, InLane, OutLane
from server.ledger.lookups import Lookup, Question
from server.ledger.model import Value
from server.ledger.model_lanes import Model
from server.ledger.posts import Post, pack_call, results
from server.ledger.records import parse_record
from tests.single import KEYS, keys_of, total_key

from .builders import record, with_its_id

FIRST_TIME = 1_700_000_000_000
"""When the model's clock begins, in ms; each call takes one."""


class StoreLedger:
    """A real store, emptied, and the function library in it."""

    def __init__(self, client: redis.Redis, keyspace: Keyspace = KEYS) -> None:
        self.client = client
        self.keyspace = keyspace
        self._flush()
        for partition in range(keyspace.partitions):
            client.set(keyspace.world(partition).record, record("4 0"))

    def apply(self, posts: Iterable[Post]) -> list[Any]:
        """The time in ms, then the result of each post; all are of one partition."""
        posts = list(posts)
        reply = self.client.execute_command(*pack_call(posts))
        return [reply[0], *results(posts, reply)]

    def ask(self, lookup: Lookup) -> object:
        """The answer to what a post has to know of another partition."""
        return self.client.execute_command(*lookup.command)

    def scalar(self, key: bytes) -> bytes | None:
        return self.client.get(key)

    def entries(self, key: bytes) -> list[bytes]:
        return self.client.lrange(key, 0, -1)

    def use_id(self, post: Post) -> None:
        """Let the id of `post` be used before."""
        self.apply([with_its_id(post)])

    def sweep(self, marks: list[bytes], before: int) -> int:
        return self.client.execute_command("FCALL", "teller_sweep", len(marks), *marks, before)

    def books(self, *currencies: str) -> list[list[bytes]]:
        keys = [keys_of(WORLD).record, *map(total_key, currencies)]
        return self.client.execute_command(
            "FCALL_RO", "teller_books", len(keys), *keys, *currencies
        )

    def contents(self) -> dict[bytes, Value]:
        """Every key with its value."""
        keys = self._keys()
        pipe = self.client.pipeline(transaction=False)
        for key in keys:
            pipe.type(key)
        types = pipe.execute()
        for key, kind in zip(keys, types, strict=True):
            _READ[kind](pipe, key)
        return dict(zip(keys, pipe.execute(), strict=True))

    def dump(self) -> dict[bytes, bytes]:
        """Every key as the server serializes it: equal dumps are byte-identical stores."""
        keys = sorted(self._keys())
        pipe = self.client.pipeline(transaction=False)
        for key in keys:
            pipe.dump(key)
        return dict(zip(keys, pipe.execute(), strict=True))

    def _flush(self) -> None:
        self.client.flushall()

    def _keys(self) -> list[bytes]:
        return self.client.keys()


class ClusterLedger(StoreLedger):
    """A real cluster, emptied, with the function library on each primary."""

    client: redis.RedisCluster

    def _flush(self) -> None:
        self.client.flushall(target_nodes=redis.RedisCluster.PRIMARIES)

    def _keys(self) -> list[bytes]:
        return self.client.keys(target_nodes=redis.RedisCluster.PRIMARIES)


_READ = {
    b"string": lambda pipe, key: pipe.get(key),
    b"list": lambda pipe, key: pipe.lrange(key, 0, -1),
    b"hash": lambda pipe, key: pipe.hgetall(key),
    b"set": lambda pipe, key: pipe.smembers(key),
}


class ModelLedger:
    """The model, with a clock that counts calls."""

    def __init__(self, keyspace: Keyspace = KEYS) -> None:
        self.keyspace = keyspace
        self.model = Model(keyspace)
        self.now = FIRST_TIME

    def apply(self, posts: Iterable[Post]) -> list[Any]:
        self.now += 1
        return self.model.apply(posts, self.now)

    def ask(self, lookup: Lookup) -> object:
        key = lookup.command[1]
        if lookup.question is Question.MEMBER:
            return self.model.fields.value(key, str(lookup.command[2]))
        if lookup.question is Question.ROOMS:
            return len(self.model.fields.sets.get(key, ()))
        account = self.model.accounts.get(key)
        return account.stored()[:1] if account else b""

    def scalar(self, key: bytes) -> bytes | None:
        return self.contents().get(key)

    def entries(self, key: bytes) -> list[bytes]:
        return list(self.contents().get(key, []))

    def use_id(self, post: Post) -> None:
        self.apply([with_its_id(post)])

    def sweep(self, marks: list[bytes], before: int) -> int:
        return self.model.sweep(marks, before)

    def books(self, *currencies: str) -> list[list[bytes]]:
        return self.model.books(currencies)

    def contents(self) -> dict[bytes, Value]:
        return self.model.contents()

    def dump(self) -> dict[bytes, bytes]:
        return {key: repr(value).encode() for key, value in self.contents().items()}


class TwinLedger(StoreLedger):
    """A store and the model side by side; every answer is compared, and so can be all keys."""

    def __init__(self, client: redis.Redis, keyspace: Keyspace = KEYS) -> None:
        super().__init__(client, keyspace)
        self.model = Model(keyspace)

    def apply(self, posts: Iterable[Post]) -> list[Any]:
        posts = list(posts)
        at, *found = super().apply(posts)
        assert [at, *found] == self.model.apply(posts, at)
        return [at, *found]

    def compare(self) -> None:
        """Both hold the same keys with the same values."""
        assert self.contents() == self.model.contents()


def check_money(ledger: StoreLedger | ModelLedger) -> None:
    """In each partition, all records together are what came in less what went out."""
    contents = ledger.contents()
    for partition in range(ledger.keyspace.partitions):
        sums: Counter[str] = Counter()
        tag = ledger.keyspace.tag(partition).encode()
        for key, value in contents.items():
            if key.startswith(tag) and isinstance(value, bytes):
                _add(sums, key[len(tag) :], value)
        assert {total % WRAP for total in sums.values()} <= {0}


def _add(sums: Counter[str], name: bytes, value: bytes) -> None:
    if name.startswith(b"a:"):
        for code, has in parse_record(value).balances.items():
            sums[code] += has.available + has.held
    elif name.startswith(b"x:"):
        sums.update(OutLane.parse(value).sums)
    elif name.startswith(b"i:"):
        sums.subtract(InLane.parse(value).sums)
