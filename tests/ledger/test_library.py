"""The function library: numbers that two files share, and how it gets into a real store."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from importlib import resources

import pytest
import redis
import redis.asyncio

from server.ledger import library
from server.ledger.posts import Kind
from server.ledger.status import CODE, Status

from . import builders as b
from .ledgers import StoreLedger

HEADER = (resources.files("server.ledger") / "lua" / "contract.lua").read_text("utf-8")


def test_statuses_are_those_of_the_contract():
    numbers = dict(re.findall(r"^  ([A-Z_]+) = (\d+),$", HEADER, re.MULTILINE))
    assert [(name, int(number)) for name, number in numbers.items()] == [
        (status.name, status.value) for status in Status
    ]


def test_kinds_are_those_of_the_contract():
    names, numbers = re.search(
        r"^local (ENTRY[A-Z_, ]+) = ([\d, ]+)$", HEADER, re.MULTILINE
    ).groups()
    pairs = zip(names.split(", "), map(int, numbers.split(", ")), strict=True)
    assert dict(pairs) == {kind.name: kind.value for kind in Kind}


def test_every_refusal_has_a_code():
    assert set(CODE) == {s for s in Status if Status.DUPLICATE < s <= Status.CORRUPT}


def test_every_part_is_in_the_library_once():
    folder = resources.files("server.ledger") / "lua"
    assert {f"{part}.lua" for part in library.PARTS} == {file.name for file in folder.iterdir()}
    assert len(set(library.PARTS)) == len(library.PARTS)


@pytest.fixture
async def shelf(socket: str) -> AsyncIterator[redis.asyncio.Redis]:
    """A client of a store whose library may be replaced; ours is put back afterwards."""
    async with redis.asyncio.Redis(unix_socket_path=socket) as client:
        yield client
        await client.execute_command("FUNCTION", "LOAD", "REPLACE", library.source())


async def _load(client: redis.asyncio.Redis, contract: int, version: int) -> None:
    source = library.source()
    source = source.replace(f"local CONTRACT = {library.CONTRACT}", f"local CONTRACT = {contract}")
    source = source.replace(f"local VERSION = {library.VERSION}", f"local VERSION = {version}")
    await client.execute_command("FUNCTION", "LOAD", "REPLACE", source)
    assert await library.installed(client) == (contract, version)


async def test_missing_library_is_loaded(shelf: redis.asyncio.Redis):
    await shelf.execute_command("FUNCTION", "DELETE", library.LIBRARY)
    assert await library.installed(shelf) is None
    await library.ensure(shelf)
    assert await library.installed(shelf) == (library.CONTRACT, library.VERSION)


@pytest.mark.parametrize(
    "older", [(library.CONTRACT, library.VERSION - 1), (library.CONTRACT - 1, 9)]
)
async def test_older_library_is_replaced(shelf: redis.asyncio.Redis, older: tuple[int, int]):
    await _load(shelf, *older)
    await library.ensure(shelf)
    assert await library.installed(shelf) == (library.CONTRACT, library.VERSION)


async def test_newer_library_of_the_same_contract_stays(shelf: redis.asyncio.Redis):
    newer = (library.CONTRACT, library.VERSION + 1)
    await _load(shelf, *newer)
    await library.ensure(shelf)
    assert await library.installed(shelf) == newer


async def test_library_of_a_newer_contract_is_refused(shelf: redis.asyncio.Redis):
    newer = (library.CONTRACT + 1, 1)
    await _load(shelf, *newer)
    with pytest.raises(library.LibraryError, match="upgrade this hub"):
        await library.ensure(shelf)
    assert await library.installed(shelf) == newer


async def test_postings_that_do_not_sum_to_zero_are_never_written(
    shelf: redis.asyncio.Redis, store: StoreLedger
):
    """The last line of defence, tried on a library with a mistake planted in it."""
    store.apply([b.register("1", "@alice", 100), b.register("2", "@bob")])
    before = store.dump()
    credit = "+ give(accounts[to], amount)"
    assert library.source().count(credit) == 1
    source = library.source().replace(credit, "+ give(accounts[to], amount + 1)")
    await shelf.execute_command("FUNCTION", "LOAD", "REPLACE", source)
    with pytest.raises(redis.ResponseError, match="postings of USD do not sum to zero"):
        store.apply([b.message("3", "@bob", "@alice"), b.payment("4", "@alice", "@bob", 1)])
    assert store.dump() == before
