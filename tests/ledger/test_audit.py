"""The audit passes on honest books, also while they are written, and notices each planted wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from struct import pack

import pytest
import redis
import redis.asyncio

from server.ledger import shelf as shelf_module
from server.ledger.audit import AuditReport, audit
from server.ledger.keys import WORLD
from server.ledger.posts import pack_call
from tests.single import KEYS, keys_of, total_key

from . import builders as b
from .ledgers import StoreLedger

ALICE, BOB, CAROL, TEA = map(keys_of, ("@alice", "@bob", "@carol", "#tea"))
PAY = b.payment("p2", "@alice", "@bob", 30)
HISTORY = [
    b.register("r", "@alice", 500),
    b.register("r", "@bob", 500),
    b.register("r", "@carol"),
    b.create("c", "@alice", "#tea"),
    b.join("j", "@bob", "#tea"),
    b.deposit("d1", "@alice", 100),
    b.deposit("d2", "@carol", 70, "EUR"),
    b.message("m1", "@alice", "@bob"),
    b.message("m2", "@bob", "#tea"),
    b.payment("p1", "@bob", "@alice", 20, room="#tea"),
    PAY,
    b.payment("p3", "@carol", "@alice", 7, "EUR"),
    b.message("m3", "@carol", "@alice"),
    b.payment("p4", "@alice", "@carol", 5),
    b.leave("l", "@bob", "#tea"),
    b.join("j2", "@bob", "#tea"),
]


@pytest.fixture(params=[2, 3])
async def shelf(
    request: pytest.FixtureRequest, socket: str, store: StoreLedger
) -> AsyncIterator[redis.asyncio.Redis]:
    """A client of a store with some history, speaking RESP2 or RESP3."""
    store.apply(HISTORY)
    async with redis.asyncio.Redis(unix_socket_path=socket, protocol=request.param) as client:
        yield client


async def test_honest_books(shelf: redis.asyncio.Redis):
    steps: list[tuple[int, int]] = []
    report = await audit(shelf, KEYS, lambda done, total: steps.append((done, total)))
    assert report == AuditReport(
        accounts=4,
        rooms=1,
        entries=26,
        payments=8,
        circulation={"EUR": 70, "USD": 1100},
        held={"EUR": 70, "USD": 1100},
    )
    assert report.ok
    assert steps == [(n, 5) for n in range(1, 6)]


async def test_empty_store(socket: str, store: StoreLedger):
    async with redis.asyncio.Redis(unix_socket_path=socket) as client:
        assert await audit(client, KEYS) == AuditReport(accounts=1)


async def test_reads_in_small_chunks(shelf: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch):
    whole = await audit(shelf, KEYS)
    monkeypatch.setattr(shelf_module, "CHUNK", 1)
    assert await audit(shelf, KEYS) == whole


Plant = Callable[[redis.Redis], object]


def _alter(client: redis.Redis, box: bytes, place: int, old: bytes, new: bytes) -> None:
    stored = client.lindex(box, place)
    assert old in stored
    client.lset(box, place, stored.replace(old, new))


def _remove(client: redis.Redis, box: bytes, place: int) -> None:
    client.lset(box, place, "gone")
    client.lrem(box, 1, "gone")


def _alter_both(client: redis.Redis) -> None:
    """A forger who changes both sides, and both balances: 30 become 31."""
    for keys, place in ((ALICE, 4), (BOB, 3)):
        _alter(client, keys.box, place, b"\xa6amount\x1e", b"\xa6amount\x1f")
    client.set(ALICE.record, b.record("0 5 USD 584 0"))
    client.set(BOB.record, b.record("0 3 USD 511 0"))


def _words(mark: bytes) -> bytes:
    """The mark of a payment, as that of words."""
    return mark[:16] + b"\0" + mark[17:29] + mark[52:]


WRONGS: dict[str, tuple[Plant, str]] = {
    "balance changed": (
        lambda c: c.set(BOB.record, b.record("0 3 USD 511 0")),
        "@bob has 511 USD but its entries add up to 510",
    ),
    "money from nowhere": (
        lambda c: c.set(BOB.record, b.record("0 3 USD 510 0 GBP 1 0")),
        "@bob has 1 GBP but its entries add up to 0",
    ),
    "version changed": (
        lambda c: c.set(BOB.record, b.record("0 4 USD 510 0")),
        "@bob has version 4 after 3 money changes",
    ),
    "record damaged": (
        lambda c: c.set(BOB.record, "0 3 USD"),
        "the record of @bob is damaged",
    ),
    "record with a currency twice": (
        lambda c: c.append(BOB.record, b.record("0 3 USD 510 0")[8:]),
        "the record of @bob is damaged",
    ),
    "record gone": (
        lambda c: c.delete(BOB.record),
        "@bob has no account record",
    ),
    "a person who may issue money": (
        lambda c: c.set(BOB.record, b.record("4 3 USD 510 0")),
        "only $world may go below zero; the flags of @bob are 4",
    ),
    "entry removed from one box": (
        lambda c: _remove(c, BOB.box, 3),
        "the payment p2 of @alice stands in the box of @alice but not, or not as often, "
        "in that of @bob",
    ),
    "entry removed from the room's box": (
        lambda c: _remove(c, TEA.box, 3),
        "the payment p1 of @bob stands in the box of @bob but not, or not as often, "
        "in that of #tea",
    ),
    "entry removed from all boxes": (
        lambda c: (_remove(c, ALICE.box, 4), _remove(c, BOB.box, 3)),
        f"the duplicate mark {PAY.mark.decode()} speaks of entry 5 of @alice, which is not there",
    ),
    "entry doubled in one box": (
        lambda c: c.rpush(BOB.box, c.lindex(BOB.box, 3)),
        "the payment p2 of @alice stands in the box of @bob but not, or not as often, "
        "in that of @alice",
    ),
    "entry doubled in both boxes": (
        lambda c: (
            c.rpush(BOB.box, c.lindex(BOB.box, 3)),
            c.rpush(ALICE.box, c.lindex(ALICE.box, 4)),
        ),
        "the duplicate mark of entry 9 of @alice points to entry 5 of @alice",
    ),
    "entry altered in one box": (
        lambda c: _alter(c, BOB.box, 3, b"\xa6amount\x1e", b"\xa6amount\x1f"),
        "@bob has 510 USD but its entries add up to 511",
    ),
    "entry altered on all sides": (
        _alter_both,
        "entry 5 of @alice is not what was posted",
    ),
    "entry damaged": (
        lambda c: c.lset(BOB.box, 3, "x"),
        "entry 4 of @bob is damaged: ",
    ),
    "entry of others": (
        lambda c: c.rpush(CAROL.box, c.lindex(BOB.box, 3)),
        "entry 5 of @carol belongs into another box",
    ),
    "words of others": (
        lambda c: c.rpush(CAROL.box, c.lindex(BOB.box, 1)),
        "entry 5 of @carol belongs into another box",
    ),
    "overdraft on the way": (
        lambda c: (
            # The deposit moves behind the payment that it paid for.
            c.rpush(CAROL.box, c.lindex(CAROL.box, 0)),
            _remove(c, CAROL.box, 0),
        ),
        "@carol falls to -7 EUR with entry 1",
    ),
    "total changed": (
        lambda c: c.incr(total_key("USD")),
        "1101 USD circulate but $world gave 1100",
    ),
    "total of a currency that nobody has": (
        lambda c: c.set(total_key("GBP"), 5),
        "5 GBP circulate but $world gave 0",
    ),
    "total damaged": (
        lambda c: c.set(total_key("USD"), "x"),
        "the money in circulation is said to be 'x' USD",
    ),
    "record of $world changed": (
        lambda c: c.set(keys_of(WORLD).record, b.record("4 4 USD -1000 0 EUR -70 0")),
        "$world has -1000 USD but its entries add up to -1100",
    ),
    "mark missing": (
        lambda c: c.delete(PAY.mark),
        "entry 5 of @alice has no duplicate mark",
    ),
    "mark damaged": (
        lambda c: c.set(PAY.mark, "x"),
        "the duplicate mark of entry 5 of @alice is damaged",
    ),
    "mark of words damaged": (
        lambda c: c.set(b.message("m1", "@alice", "@bob").mark, "x"),
        "the duplicate mark {p0}d:@alice:m1 is damaged",
    ),
    "mark points elsewhere": (
        lambda c: c.setrange(PAY.mark, 22, b"\4"),  # seq, of six bytes
        "the duplicate mark of entry 5 of @alice points to entry 4 of @alice",
    ),
    "mark with another balance": (
        lambda c: c.setrange(PAY.mark, 29, pack(">q", 591)),
        "the duplicate mark of entry 5 of @alice holds another balance than the entries",
    ),
    "mark without its balance": (
        lambda c: c.set(PAY.mark, _words(c.get(PAY.mark))),
        "the duplicate mark of entry 5 of @alice holds another balance than the entries",
    ),
    "member who did not join": (
        lambda c: c.hset(TEA.members, "@carol", "member"),
        "#tea counts @carol among its members, who did not join",
    ),
    "joined but no member": (
        lambda c: c.sadd(CAROL.joined, "#tea"),
        "@carol joined #tea, which does not count it among its members",
    ),
    "members of a wrong type": (
        lambda c: (c.delete(TEA.members), c.set(TEA.members, "x")),
        "the members of #tea have a wrong type",
    ),
    "box of a wrong type": (
        lambda c: (c.delete(BOB.box), c.set(BOB.box, "x")),
        "the box of @bob is not a list",
    ),
}


@pytest.mark.parametrize("name", WRONGS)
async def test_each_wrong_is_noticed(shelf: redis.asyncio.Redis, store: StoreLedger, name: str):
    plant, sentence = WRONGS[name]
    plant(store.client)
    before = store.dump()
    report = await audit(shelf, KEYS)
    assert not report.ok
    assert [found for found in report.findings if found.startswith(sentence)], report.findings
    assert store.dump() == before


async def test_passes_while_the_books_are_written(shelf: redis.asyncio.Redis):
    """Payments go on between all reads of the audit; none of them may look like a wrong."""
    written = 0
    over = False

    async def write() -> None:
        nonlocal written
        while not over:
            n = written = written + 1
            payer, payee = ("@alice", "@bob") if n % 2 else ("@bob", "@alice")
            posts = [b.payment(f"w{n}", payer, payee, 1, room="#tea"), b.deposit(f"w{n}", payee, 1)]
            posts += [b.leave(f"l{n}", "@bob", "#tea"), b.join(f"j{n}", "@bob", "#tea")]
            await shelf.execute_command(*pack_call(posts))

    writer = asyncio.create_task(write())
    try:
        reports = [await audit(shelf, KEYS) for _ in range(5)]
    finally:
        over = True  # no cancel: what it awaits may take that for an answer, and write for ever
        await writer
    assert [report.findings for report in reports] == [[]] * 5
    assert 8 < reports[0].payments < reports[-1].payments <= 8 + 2 * written
