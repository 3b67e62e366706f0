"""One page for all workers, whoever answers it and whoever does not."""

from __future__ import annotations

import asyncio
import signal

import pytest
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

from server.workers.messages import Family, Figures
from server.workers.tally import Look, Tally, health
from tests.support import PATIENCE_S, Client, until
from tests.workers.crew import Crew


def figures(posts: float, connections: float, store_up: bool = True) -> Figures:
    """What a worker tells."""
    return Figures(
        1,
        store_up,
        [
            Family("teller_posts", "counter", "Posts", [("teller_posts_total", {}, posts)]),
            Family(
                "teller_connections", "gauge", "Sockets", [("teller_connections", {}, connections)]
            ),
            Family("teller_rooms_connected", "gauge", "Rooms", [("teller_rooms_connected", {}, 3)]),
            Family(
                "teller_refused",
                "counter",
                "Refused",
                [("teller_refused_total", {"code": "busy"}, posts)],
            ),
        ],
    )


def lines(tally: Tally, looks: list[Look]) -> set[str]:
    """The samples of the page."""
    return {line for line in tally.metrics(looks).splitlines() if not line.startswith("#")}


def test_counters_are_added_up_and_gauges_keep_apart() -> None:
    looks = [Look("1", True, figures(5, 2)), Look("2", True, figures(7, 1), restarts=4)]
    assert lines(Tally(), looks) == {
        "teller_posts_total 12.0",
        "teller_connections 3.0",
        'teller_rooms_connected{worker="1"} 3.0',
        'teller_rooms_connected{worker="2"} 3.0',
        'teller_refused_total{code="busy"} 12.0',
        'teller_worker_up{worker="1"} 1.0',
        'teller_worker_up{worker="2"} 1.0',
        'teller_worker_restarts_total{worker="1"} 0.0',
        'teller_worker_restarts_total{worker="2"} 4.0',
    }


def test_a_silent_worker_counts_as_it_did_last_and_is_named() -> None:
    page = lines(Tally(), [Look("1", True, figures(5, 2)), Look("2", False, figures(7, 1))])
    assert "teller_posts_total 12.0" in page
    assert "teller_connections 2.0" in page
    assert 'teller_worker_up{worker="2"} 0.0' in page
    assert 'teller_rooms_connected{worker="2"} 3.0' not in page


def test_what_ended_workers_counted_stays() -> None:
    tally = Tally()
    tally.retire(figures(5, 2))
    tally.retire(figures(1, 2))
    tally.retire(None)
    page = lines(tally, [Look("1", True, figures(2, 1))])
    assert "teller_posts_total 8.0" in page
    assert 'teller_refused_total{code="busy"} 8.0' in page
    assert "teller_connections 1.0" in page


def test_a_draining_worker_counts_but_its_place_is_its_heirs() -> None:
    looks = [Look("1", True, figures(2, 1)), Look("1", True, figures(7, 4), leaving=True)]
    page = lines(Tally(), looks)
    assert "teller_posts_total 9.0" in page
    assert "teller_connections 5.0" in page
    assert 'teller_rooms_connected{worker="1"} 3.0' in page


@pytest.mark.parametrize(
    ("there", "store", "status", "said"),
    [
        ((True, True), (True, True), 200, "ok"),
        ((True, False), (True, True), 200, "degraded"),
        ((True, True), (True, False), 200, "degraded"),
        ((True, True), (False, False), 503, "no store"),
        ((False, True), (True, False), 503, "no store"),
    ],
)
def test_health(there: tuple[bool, bool], store: tuple[bool, bool], status: int, said: str) -> None:
    looks = [
        Look(str(place), there[place], figures(0, 0, store_up=store[place])) for place in (0, 1)
    ]
    code, body = health(looks)
    assert (code, f'"status":"{said}"' in body) == (status, True), body


async def test_the_page_is_about_all_even_while_one_is_stopped(crew: Crew) -> None:
    await crew.start()
    people = [await crew.register("alice", at="1"), await crew.register("bob", at="2")]
    for person in people:
        await person.ask("message", to="#none", text="refused")
    page = await page_of(crew, 1, 1)
    assert page["teller_connections"] == 3, "two people and whoever asks"
    assert (page["teller_accounts_connected/1"], page["teller_accounts_connected/2"]) == (1, 1)
    assert page["teller_logins_total"] == 2
    assert page["teller_refused_total"] == 2
    well = {"status": "ok", "store": "up", "workers": 2, "missing": []}
    await until(lambda: _says(crew, well))
    crew.signal_worker("2", signal.SIGSTOP)
    page = await page_of(crew, 1, 0)
    assert page["teller_refused_total"] == 2
    await until(lambda: _says(crew, {**well, "status": "degraded", "missing": ["2"]}))
    crew.signal_worker("2", signal.SIGCONT)
    await page_of(crew, 1, 1)


async def page_of(crew: Crew, *up: int) -> dict[str, float]:
    """The page that has the first worker up, or down, and the second one: either may have been too
    late for a page before."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            page = await crew.metrics(at_once=1 if all(up) else 6)
            if (page["teller_worker_up/1"], page["teller_worker_up/2"]) == up:
                return page


async def _says(crew: Crew, wanted: dict[str, object]) -> bool:
    """Whether this is the health of all; as with a page, a worker may be late for once."""
    return (await crew.health(at_once=6))[1] == wanted


async def test_the_health_page_needs_no_parent(crew: Crew) -> None:
    await crew.start()
    crew.signal(signal.SIGSTOP)
    try:
        _, impatient = await crew.ask_for("/metrics")
        impatient.close()
        status, health = await crew.health()
        assert (status, health) == (200, {"status": "ok", "store": "up"})
        status, text = await crew.get("/metrics")
        assert (status, text) == (503, "The parent process does not answer.\n")
    finally:
        crew.signal(signal.SIGCONT)


async def test_what_follows_a_request_does_not_disturb_its_page(crew: Crew) -> None:
    await crew.start()
    crew.signal(signal.SIGSTOP)  # so that the page takes a while
    try:
        reader, talker = await crew.ask_for("/healthz")
        for _ in range(20):
            talker.write(b"GET /ws HTTP/1.1\r\n\r\n" + bytes(1_000))
            await talker.drain()
        async with asyncio.timeout(PATIENCE_S):
            answer = await reader.readuntil(b"}\n")
    finally:
        crew.signal(signal.SIGCONT)
    talker.close()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer
    assert not [line for line in crew.said if "Traceback" in line]


async def test_each_worker_takes_its_share_of_connections(crew: Crew) -> None:
    crew.options += ("--connections-max", "3")
    await crew.start()
    inside: list[str | None] = []
    kept: list[Client] = []
    refused: list[Response] = []
    while len(inside) < 3 or len(refused) < 8:
        try:
            kept.append(await Client.connect(crew.url))
            inside.append(crew.holder(kept[-1]))
        except InvalidStatus as refusal:
            refused.append(refusal.response)
        assert len(inside) <= 3
    assert sorted(map(str, inside)) == ["1", "1", "2"]
    assert {one.status_code for one in refused} == {503}
    assert all(int(one.headers["Retry-After"]) >= 1 for one in refused)


async def test_an_entry_reaches_an_account_at_another_worker(crew: Crew) -> None:
    await crew.start()
    alice, bob = await crew.register("alice", at="1"), await crew.register("bob", at="2")
    await alice.ask("message", "m", to="@bob", text="hi")
    entry = await bob.until(lambda frame: frame.get("id") == "m")
    assert (entry["type"], entry["from"], entry["text"]) == ("message", "@alice", "hi")
