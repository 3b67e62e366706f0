"""Deleted and disappeared words are taken out of the store, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from server.ledger import blanking
from server.ledger.audit import audit
from server.ledger.blanking import blank_once
from server.ledger.entries import SEALED, TIME_DIGITS
from server.store.client import redis_client
from tests.entries.town import Town, came, new_id, ok, page, ref, say
from tests.support import Hub

HOUR_MS = 3_600_000


async def _walk(hub: Hub, ahead_ms: int = 0) -> int:
    """One walk over all servers of the store."""
    services = hub.app.services
    now = services.store_now() + ahead_ms
    return sum([await blank_once(one, now=now) for one in services.stores.links()])


async def _stored(hub: Hub, box: str) -> list[bytes]:
    keys = hub.app.services.keyspace.of(box)
    channel = hub.app.services.channel(keys.partition)
    found: Any = await channel.request("LRANGE", keys.box, 0, -1)
    return list(found)


def _worded(stored: list[bytes]) -> list[int]:
    """The seqs of entries with sealed words."""
    return [seq for seq, one in enumerate(stored, 1) if one[TIME_DIGITS] == SEALED]


@pytest.mark.parametrize("to", ["@bob", "#tea"])
async def test_deleted_words_and_their_edits_are_taken_out_everywhere(town: Town, to: str) -> None:
    boxes = ["#tea"] if to == "#tea" else ["@alice", "@bob"]
    before = {box: _worded(await _stored(town.first, box)) for box in boxes}
    id = await say(town.alice, to, "a secret")
    await ok(town.alice, "edit", to=to, ref=ref("@alice", id), text="a greater secret")
    kept = await say(town.alice, to, "no secret")
    await ok(town.alice, "react", to=to, ref=ref("@alice", id), emoji="👍")
    await ok(town.alice, "delete", to=to, ref=ref("@alice", id))
    await came(town.bob, "delete")
    pages = {box: len(await _stored(town.first, box)) for box in boxes}
    assert await _walk(town.first) == 2 * len(boxes)
    for box in boxes:
        stored = await _stored(town.first, box)
        assert len(stored) == pages[box]
        assert len(_worded(stored)) == len(before[box]) + 1
    assert await _walk(town.first) == 0
    box = to if to == "#tea" else "@bob"
    found = {one["id"]: one for one in (await page(town.bob, box, limit=200))["entries"]}
    assert (found[id]["text"], found[id]["gone"]) == ("", "deleted")
    assert found[kept]["text"] == "no secret"
    again = await town.alice.ask("message", id, to=to, text="a secret")
    assert (again["type"], again["replayed"]) == ("ack", True)


async def test_words_disappear_from_the_store_too_but_not_before(town: Town) -> None:
    ids = [await say(town.alice, to, "brief", expires_s=60) for to in ("@bob", "#tea", "@alice")]
    gone = await say(town.alice, "#tea", "deleted before", expires_s=60)
    await ok(town.alice, "delete", to="#tea", ref=ref("@alice", gone))
    lasting = await say(town.alice, "@bob", "less brief", expires_s=3 * 3600)
    for _ in range(4):
        await came(town.bob, "message")
    assert await _walk(town.first) == 1
    assert await _walk(town.first, 2 * HOUR_MS) == 4
    assert (await page(town.bob, "#tea"))["entries"][-2]["gone"] == "deleted"
    found = {one["id"]: one for one in (await page(town.bob, "@bob"))["entries"]}
    assert (found[ids[0]]["text"], found[ids[0]]["gone"]) == ("", "expired")
    assert found[lasting]["text"] == "less brief"
    assert await _walk(town.first, 5 * HOUR_MS) == 2


async def test_what_is_hidden_from_oneself_stays_with_the_others(town: Town) -> None:
    id, shown = await say(town.alice, "@bob", "keep"), await say(town.alice, "#tea", "keep")
    for _ in range(2):
        await came(town.bob, "message")
    await ok(town.bob, "delete", to="@alice", ref=ref("@alice", id), only_me=True)
    await ok(town.bob, "delete", to="#tea", ref=ref("@alice", shown), only_me=True)
    assert await _walk(town.first) == 1
    for box in ("@alice", "#tea"):
        assert (await page(town.alice, box))["entries"][-1]["text"] == "keep"
    for box, one in (("@bob", id), ("#tea", shown)):
        found = {entry["id"]: entry for entry in (await page(town.bob, box))["entries"]}
        assert (found[one]["text"], found[one]["gone"]) == ("", "deleted")


async def test_money_stays_as_it_is_and_the_books_hold(town: Town) -> None:
    id = new_id()
    await ok(town.alice, "payment", id=id, to="@bob", amount=5, currency="USD", text="tea")
    await came(town.bob, "payment")
    before = await _stored(town.first, "@bob")
    await ok(town.alice, "delete", to="@bob", ref=ref("@alice", id), note=True)
    await came(town.bob, "delete")
    words = await say(town.alice, "@bob", "no money")
    await ok(town.alice, "delete", to="@bob", ref=ref("@alice", words))
    await came(town.bob, "delete")
    assert await _walk(town.first) == 2
    assert (await _stored(town.first, "@bob"))[: len(before)] == before
    assert town.first.app.embedded is not None
    async with redis_client(town.first.app.embedded.endpoint) as client:
        report = await audit(client, town.first.app.services.keyspace)
    assert report.findings == []
    found = {one["id"]: one for one in (await page(town.bob, "@bob"))["entries"]}
    assert (found[id].get("text"), found[id]["gone"]) == (None, "deleted")


async def test_an_entry_that_stands_elsewhere_now_is_left_alone(town: Town) -> None:
    await say(town.alice, "#tea", "mine")
    keys = town.first.app.services.keyspace.of("#tea")
    channel = town.first.app.services.channel(keys.partition)
    stored = await _stored(town.first, "#tea")
    call = ("FCALL", "teller_blank", 1, keys.box)
    assert await channel.request(*call, len(stored) - 1, b"other", b"blank") == 0
    assert await channel.request(*call, 999, stored[-1], b"blank") == 0
    assert await _stored(town.first, "#tea") == stored


async def test_a_subject_far_back_is_not_looked_for_for_ever(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blanking, "LOOKED_THROUGH", 2)
    monkeypatch.setattr(blanking, "_SLICE", 1)
    id = await say(town.alice, "@bob", "long ago")
    for n in range(3):
        await say(town.alice, "@bob", f"{n}")
    await ok(town.alice, "delete", to="@bob", ref=ref("@alice", id))
    await came(town.bob, "delete")
    assert await _walk(town.first) == 1  # in her own box, where her mark tells the place
    found = {one["id"]: one for one in (await page(town.bob, "@bob"))["entries"]}
    assert (found[id]["text"], found[id]["gone"]) == ("", "deleted")
