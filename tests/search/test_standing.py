"""What is found is what stands there now: edited, deleted, disappeared and erased words."""

from __future__ import annotations

import fcntl
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from protocol.frames import EditEntry, Entry, MessageEntry, PaymentEntry, Ref
from server.search.boxes import Notes
from server.search.database import FILE
from server.search.standing import standing
from tests.search.conftest import MakeHub, MakeHubs, find, finds, say
from tests.support import PASSWORD, Client, Hub, until


@pytest.fixture
async def hub(make_hub: MakeHub) -> Hub:
    """A hub on a store of several partitions, where most of it crosses them."""
    return await make_hub(partitions=4)


def ref(of: dict[str, Any], by: str = "@alice") -> dict[str, str]:
    return {"from": by, "id": of["id"]}


async def change(client: Client, type: str, **fields: Any) -> None:
    answer = await client.ask(type, **fields)
    assert answer["type"] == "ack", answer


async def friends(hub: Hub) -> tuple[Client, Client]:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    await say(alice, "@bob", "hello")
    await bob.until(lambda frame: frame.get("text") == "hello")
    return alice, bob


@pytest.mark.parametrize("indexed", [True, False], ids=["indexed before", "not yet indexed"])
async def test_edited_words(hub: Hub, indexed: bool) -> None:
    alice, bob = await friends(hub)
    said = await say(alice, "@bob", "an old parrot")
    if indexed:
        await finds(bob, ["an old parrot"], words="parrot")
    await change(alice, "edit", to="@bob", ref=ref(said), text="a new macaw")
    await change(alice, "edit", to="@bob", ref=ref(said), text="the newest macaw")
    for one in (alice, bob):
        await finds(one, ["the newest macaw"], words="macaw")
        assert await find(one, words="parrot") == await find(one, words="a new") == []
        page = await one.ask("search", words="macaw")
        (hit,) = page["hits"]
        assert hit["entry"]["id"] == said["id"]
        assert hit["snippet"] == "the newest macaw"


@pytest.mark.parametrize("indexed", [True, False], ids=["indexed before", "not yet indexed"])
async def test_deleted_words(hub: Hub, indexed: bool) -> None:
    alice, bob = await friends(hub)
    said = await say(alice, "@bob", "an old parrot")
    if indexed:
        await finds(bob, ["an old parrot"], words="parrot")
    await change(alice, "delete", to="@bob", ref=ref(said))
    for one in (alice, bob):
        await finds(one, [], words="parrot")
        assert "an old parrot" not in await find(one, who="@alice")


async def test_hidden_from_oneself(hub: Hub) -> None:
    alice, bob = await friends(hub)
    await alice.ask("create", room="#town")
    await bob.ask("join", room="#town")
    said = await say(alice, "@bob", "a parrot for bob")
    told = await say(alice, "#town", "a parrot in town")
    await finds(bob, ["a parrot for bob"], words="parrot", box="@bob")
    await change(bob, "delete", to="@alice", ref=ref(said), only_me=True)
    await change(bob, "delete", to="#town", ref=ref(told), only_me=True)
    await finds(bob, [], words="parrot")
    assert len(await find(alice, words="parrot")) == 2


async def test_a_deletion_that_the_index_has_not_read(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mailbox has the last word: an index that is behind shows nothing that is deleted."""
    alice, bob = await friends(hub)
    said = await say(alice, "@bob", "an old parrot")
    await finds(bob, ["an old parrot"], words="parrot")
    claims = (hub.data / "search" / "claims").open("r+b")

    fcntl.lockf(claims, fcntl.LOCK_EX)  # as another worker that reads all boxes, and hangs
    await change(alice, "delete", to="@bob", ref=ref(said))
    await bob.until(lambda frame: frame["type"] == "delete")
    page = await bob.ask("search", words="parrot")
    assert page["hits"] == []
    assert page["behind"] > 0
    claims.close()


async def test_words_that_disappear(hub: Hub) -> None:
    alice, bob = await friends(hub)
    await say(alice, "@bob", "a long parrot", expires_s=3_600)
    await say(alice, "@bob", "a short parrot", expires_s=1)
    await finds(bob, ["a long parrot"], words="parrot")
    await finds(alice, ["a long parrot"], words="parrot")


def test_what_stands() -> None:
    """What may be shown of an entry, with its newest edit, at the time 10,000."""
    said = MessageEntry("m", "@alice", "@bob", "old", box="@bob", seq=1, at=9_000)
    edit = EditEntry("e", "@alice", "@bob", Ref("@alice", "m"), "new", box="@bob", seq=2)
    none, edited = Notes(False, []), Notes(False, [2])

    def shown(entry: Entry, note: Notes = none, last: EditEntry = edit) -> Entry | None:
        return standing(entry, note, {("@bob", 2): last}, 10_000)

    assert shown(said) == said
    assert shown(said, edited) == replace(said, text="new")
    assert shown(said, Notes(True, [2])) is None
    assert shown(replace(said, expires_s=1)) is None
    assert shown(replace(said, expires_s=2)) is not None
    assert shown(replace(said, gone="erased")) is None
    assert shown(replace(said, gone="locked")) is not None
    assert shown(said, edited, replace(edit, text="", gone="erased")) is None
    assert standing(said, edited, {}, 10_000) is None, "the edit cannot be read"
    paid = PaymentEntry("p", "@alice", "@bob", 5, "USD", text="rent", box="@bob", seq=1, at=1)
    assert shown(paid, Notes(True, [])) == replace(paid, text=UNSET, gone="deleted")


async def test_hidden_words_of_a_payment(hub: Hub) -> None:
    alice, bob = await friends(hub)
    paid = await alice.ask("payment", to="@bob", amount=5, currency="USD", text="parrot")
    await finds(bob, ["parrot"], words="parrot")
    await change(alice, "delete", to="@bob", ref=ref(paid), note=True)
    for one in (alice, bob):
        await finds(one, [], words="parrot")
        page = await one.ask("search", money=True, who="@alice")
        (hit,) = page["hits"]
        assert (hit["entry"]["amount"], hit["entry"]["gone"]) == (5, "deleted")
        assert hit["snippet"] == ""


async def test_erased_words(make_hubs: MakeHubs) -> None:
    """An account is erased on one hub: its words are gone from the index of both, too."""
    first, second = await make_hubs(2, opening_balance=None)
    alice, bob = await first.register("alice"), await second.register("bob")
    texts = [f"parrot {number} secretsecret" for number in range(10)]
    for text in texts:
        await say(alice, "@bob", text)
    await say(bob, "@bob", "my parrot")
    await finds(bob, ["my parrot", *texts[::-1]], words="parrot")
    assert await find(alice, words="parrot") == texts[::-1]
    assert [rows_of(hub) for hub in (first, second)] == [10, 11]
    answer = await alice.ask("erase", password=PASSWORD)
    assert answer["type"] == "ack", answer
    await finds(bob, ["my parrot"], words="parrot")
    assert await find(bob, words="secretsecret") == []
    await until(lambda: [rows_of(hub) for hub in (first, second)] == [0, 1])


async def test_erased_while_the_hub_was_away(make_hub: MakeHub, make_hubs: MakeHubs) -> None:
    first, second = await make_hubs(2, opening_balance=None)
    alice, bob = await first.register("alice"), await second.register("bob")
    await say(alice, "@bob", "a parrot")
    await say(bob, "@bob", "my parrot")
    await finds(bob, ["my parrot", "a parrot"], words="parrot")
    await second.stop()
    assert (await alice.ask("erase", password=PASSWORD))["type"] == "ack"
    assert rows_of(second) == 2
    kept = second.app.settings
    back = await make_hub(second.data.name, store=kept.store, keys=kept.keys)
    bob = await back.login("bob")
    assert await find(bob, words="parrot") == ["my parrot"]
    await until(lambda: rows_of(back) == 1)


def rows_of(hub: Hub) -> int:
    """Entries in the index of a hub."""
    with closing(sqlite3.connect(hub.data / "search" / FILE)) as db:
        count: int = db.execute("SELECT count(*) FROM rows").fetchone()[0]
    return count


async def test_nothing_readable_at_rest(hub: Hub) -> None:
    alice, bob = await friends(hub)
    await alice.ask("create", room="#hideout")
    texts = ["whispered", "gehauchtes", "東京タワー"]
    for text in texts:
        await say(alice, "@bob", text)
        await say(alice, "#hideout", text)
    for text in texts:
        await finds(bob, [text], words=text)
    raw = _bytes_in(hub.data / "search")
    assert FILE in {path.name for path in (hub.data / "search").iterdir()}
    for word in (*texts, "whisp", "hideout", "alice", "東京"):
        assert word.encode() not in raw


def _bytes_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())
