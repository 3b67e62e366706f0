"""Many connections at once on a real store: money is spent once, a post happens once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
import redis.asyncio

from server.ledger.audit import audit
from server.ledger.posts import Post, pack_call, results
from server.ledger.status import Status
from tests.single import KEYS, keys_of

from . import builders as b
from .ledgers import StoreLedger

CONNECTIONS = 100
Connections = list[redis.asyncio.Redis]


@pytest.fixture
async def connections(socket: str, store: StoreLedger) -> AsyncIterator[Connections]:
    """A hundred connections, open, to a store with @alice (1 cent) and @bob (1,000 USD)."""
    store.apply([b.register("r", "@alice", 1), b.register("r", "@bob", 100_000)])
    store.apply([b.create("c", "@bob", "#tea"), b.join("j", "@alice", "#tea")])
    clients = [
        redis.asyncio.Redis(unix_socket_path=socket, single_connection_client=True)
        for _ in range(CONNECTIONS)
    ]
    await asyncio.gather(*(client.initialize() for client in clients))
    await asyncio.gather(*(client.ping() for client in clients))
    yield clients
    await asyncio.gather(*(client.aclose() for client in clients))


async def send(client: redis.asyncio.Redis, *posts: Post) -> list[list[int | bytes]]:
    """The results of `posts`, sent as one call."""
    sent = list(posts)
    return list(results(sent, await client.execute_command(*pack_call(sent))))


async def test_last_cent_is_spent_once(connections: Connections, store: StoreLedger):
    posts = [b.payment(f"p{n}", "@alice", "@bob", 1) for n in range(CONNECTIONS)]
    answers = await asyncio.gather(*map(send, connections, posts))
    results = [result for (result,) in answers]
    won = [result for result in results if result[0] == Status.OK]
    assert won == [[Status.OK, 2, 2, 0, 0, 2, 100_001, 0, 2]]
    assert results.count([Status.INSUFFICIENT_FUNDS, b"0"]) == CONNECTIONS - 1
    assert store.contents()[keys_of("@alice").record] == b.record("0 2 USD 0 0")
    assert len(store.contents()[keys_of("@alice").box]) == 2


async def test_each_post_happens_once_however_often_it_is_sent(
    connections: Connections, store: StoreLedger
):
    """Every post goes out 1 to 20 times, on any connection, alone or beside others; one sending in
    twenty has another content under the same id."""
    chance = random.Random(20)
    posts = [_random_post(chance, n) for n in range(150)]
    altered = {n: _altered(post) for n, post in enumerate(posts)}
    sendings = [(n, False) for n in range(len(posts)) for _ in range(chance.randint(1, 20))]
    sendings += [(chance.choice(sendings)[0], True) for _ in range(len(sendings) // 20)]
    chance.shuffle(sendings)

    queues: list[list[tuple[int, bool]]] = [sendings[n::CONNECTIONS] for n in range(CONNECTIONS)]
    outcomes: dict[int, list[tuple[bool, list[int | bytes]]]] = {n: [] for n in altered}

    async def work(client: redis.asyncio.Redis, queue: list[tuple[int, bool]]) -> None:
        while queue:
            call, queue = queue[:3], queue[3:]
            chosen = [altered[n] if other else posts[n] for n, other in call]
            for (n, other), result in zip(call, await send(client, *chosen), strict=True):
                outcomes[n].append((other, result))

    await asyncio.gather(*map(work, connections, queues))
    for n, post in enumerate(posts):
        _check(post, altered[n], outcomes[n], store)
    assert (await audit(connections[0], KEYS)).findings == []


def _random_post(chance: random.Random, n: int) -> Post:
    make = chance.choice([b.message, b.payment, b.payment])
    if make is b.message:
        return b.message(f"m{n}", "@alice", chance.choice(["@bob", "#tea"]))
    return b.payment(
        f"p{n}", "@bob", "@alice", chance.randint(1, 9), room=chance.choice(["", "#tea"])
    )


def _altered(post: Post) -> Post:
    if post.amount:
        return b.payment(post.id, "@bob", "@alice", post.amount + 1)
    return b.message(post.id, "@alice", post.frame.to, "other words")


def _check(
    post: Post,
    altered: Post,
    outcomes: list[tuple[bool, list[int | bytes]]],
    store: StoreLedger,
) -> None:
    """Whichever content came first is the one that stands; all others were told so."""
    mark = store.client.get(post.mark)
    stands = mark[:16] == altered.digest
    same = [result for other, result in outcomes if other == stands]
    others = [result for other, result in outcomes if other != stands]
    done = [result for result in same if result[0] == Status.OK]
    assert len(done) == 1
    assert [r for r in same if r[0] != Status.OK] == [[Status.DUPLICATE, mark]] * (len(same) - 1)
    assert others == [[Status.ID_REUSED, mark]] * len(others)
    body = altered.body if stands else post.body
    for place, box in enumerate((altered if stands else post).boxes, 1):
        entries = store.client.lrange(box, 0, -1)
        assert [i for i, entry in enumerate(entries, 1) if entry[13:] == body] == [done[0][place]]
