"""What a page and a resume may hold: bounded in the store, before anything big is read."""

from __future__ import annotations

from server.ledger.entries import read_call, read_entries
from server.reading.pages import PAGE_BYTES_MAX
from tests.single import keys_of
from tests.support import Hub

LONG = "x" * 30_000


async def test_a_page_of_long_entries_is_short_and_the_next_goes_on(hub: Hub) -> None:
    alice = await hub.register("alice")
    for n in range(12):
        await alice.ask("message", to="@alice", text=f"{n} {LONG}")
    seqs: list[int] = []
    before = 14
    while before > 1:
        page = await alice.ask("history", box="@alice", before=before, limit=200)
        texts = [entry.get("text", "") for entry in page["entries"]]
        assert sum(map(len, texts)) <= PAGE_BYTES_MAX
        seqs = [entry["seq"] for entry in page["entries"]] + seqs
        before = page["entries"][0]["seq"]
        assert page["more"] is (before > 1)
    assert seqs == list(range(1, 14))


async def test_the_store_reads_the_newest_that_fit_and_at_least_one(hub: Hub) -> None:
    alice = await hub.register("alice")
    for n in range(40):
        await alice.ask("message", to="@alice", text=f"{n:03}" + "y" * 97)
    box = keys_of("@alice").box
    size = len(await hub.store("LINDEX", box, -1))
    cases = [
        ((0, -1, size * 20), range(22, 42)),
        ((0, -1, 1), range(41, 42)),
        ((-3, -1, 10**6), range(39, 42)),
        ((5, 9, 10**6), range(6, 11)),
        ((38, 100, 10**6), range(39, 42)),
        ((41, -1, 10**6), range(0)),
        ((500, 600, 10**6), range(0)),
    ]
    for (first, last, most), expected in cases:
        reply = await hub.store(*read_call(box, first, last, most))
        length, entries = read_entries(reply, "@alice")
        found = [entry.seq for entry in entries]  # type: ignore[attr-defined]
        assert (length, found) == (41, list(expected)), (first, last, most)


async def test_status_of_a_damaged_mark_is_unavailable(hub: Hub) -> None:
    alice = await hub.register("alice")
    services = hub.app.services
    key = services.keyspace.of("@alice").marks + b"broken"
    await services.channel(0).request("SET", key, "no mark")
    assert (await alice.ask("status", of="broken"))["code"] == "unavailable"
