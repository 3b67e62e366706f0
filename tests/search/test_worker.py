"""The worker's lives and deaths: the hub goes on, and the index comes back."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from protocol.frames import MessageEntry
from server.search.boxes import EPOCH_S
from server.search.database import FILE, reindex
from server.search.messages import Question
from server.search.worker import QUESTION_S, SearchWorker
from server.store.endpoint import StoreError
from tests.search.conftest import MakeHub, find, finds, page_of, say
from tests.support import PASSWORD, PATIENCE_S, Client, Hub, until


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def works(hub: Hub) -> int:
    """Wait until the worker runs; its process id."""
    await until(lambda: hub.app.services.search.pid)
    pid = hub.app.services.search.pid
    assert pid is not None
    return pid


async def written(hub: Hub, count: int, text: str = "word number") -> None:
    """Put entries into Bob's box in the store; quicker than to post them."""
    services = hub.app.services
    await services.seals.prepare("@alice")
    key, at = services.keyspace.of("@bob").box, int(time.time() * 1000) + 60_000
    for start in range(0, count, 500):
        entries = (
            MessageEntry(f"m{n}", "@alice", "@bob", f"{text} {n}")
            for n in range(start, start + 500)
        )
        stored = [b"%013d%b" % (at, services.seals.body(one)) for one in entries]
        await hub.store("RPUSH", key, *stored)
    services.hub.parties["@bob"].seq += count


async def talkers(hub: Hub) -> tuple[Client, Client]:
    return await hub.register("alice"), await hub.register("bob")


async def test_it_starts_by_itself(make_hub: MakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.search.desk.START_S", 3600.0)
    patient = await make_hub()
    await patient.register("bob")  # who does not search
    monkeypatch.setattr("server.search.desk.START_S", 0.1)
    other = await make_hub("other")
    alice = await other.register("alice")
    await say(alice, "@alice", "a parrot")
    await until(lambda: other.app.services.search.figures.indexed >= 2)
    assert patient.app.services.search.pid is None


async def test_it_has_little_priority_and_dies_with_the_hub(make_hub: MakeHub) -> None:
    hub = await make_hub()
    alice = await hub.register("alice")
    await find(alice, words="word")
    pid = await works(hub)
    assert os.getpriority(os.PRIO_PROCESS, pid) >= 10
    await hub.stop()
    assert not running(pid)


async def test_it_dies_with_a_hub_that_is_killed(tmp_path: Path) -> None:
    options = ("--port=0", f"--data={tmp_path / 'data'}", "--argon2-memory-kib=64")
    hub = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "serve", *options), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert hub.stdout is not None
        async with asyncio.timeout(3 * PATIENCE_S):
            while b"listens on" not in (line := await hub.stdout.readline()):
                assert line
        client = await Client.connect(line.split()[-1].decode())
        await client.ask("register", handle="alice", password=PASSWORD)
        await client.ask("search", words="word")
        (pid,) = [pid for pid in children(hub.pid) if b"server.search" in command(pid)]
    finally:
        hub.kill()
        await hub.wait()
    await until(lambda: not running(pid))


def children(parent: int) -> list[int]:
    text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(pid) for pid in text.split()]


def command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


async def test_a_killed_worker_is_started_again(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.search.desk.PAUSES_S", (3.0,))  # so long it is unavailable
    alice, bob = await talkers(hub)
    await say(alice, "@bob", "a parrot")
    assert await find(bob, words="parrot") == ["a parrot"]
    pid = await works(hub)
    os.kill(pid, signal.SIGSTOP)  # so that the question is under way
    question = asyncio.create_task(bob.ask("search", words="parrot"))
    await until(lambda: hub.app.services.search._open)
    os.kill(pid, signal.SIGKILL)
    assert (await question)["code"] == "unavailable"
    assert (await alice.ask("search", words="parrot"))["code"] == "unavailable"
    await say(alice, "@bob", "another parrot")  # nobody else is hindered
    assert await works(hub) != pid
    assert await find(bob, words="parrot") == ["another parrot", "a parrot"]
    assert hub.app.services.search.restarts == 1


async def test_killed_at_any_moment_nothing_is_doubled_or_missed(hub: Hub) -> None:
    _, bob = await talkers(hub)
    await written(hub, 3_000)
    for _ in range(3):
        await bob.ask("search", words="word")  # unavailable, or what was read so far
        os.kill(await works(hub), signal.SIGKILL)
        await until(lambda: hub.app.services.search.pid is None)
    await until(lambda: _is_whole(bob), 60.0)
    seen: list[int] = []
    after: dict[str, Any] = {}
    while not seen or after:
        page = await bob.ask("search", words="word", limit=50, **after)
        seen += [hit["entry"]["seq"] for hit in page["hits"]]
        after = {"after": page["after"]} if "after" in page else {}
    assert seen == list(range(3_001, 1, -1))


async def _is_whole(client: Client) -> bool:
    page = await client.ask("search", words="word")
    return page["type"] == "found" and not page.get("behind")


async def test_a_stuck_worker_makes_busy(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = await hub.register("alice")
    assert await find(alice, words="word") == []
    pid = await works(hub)
    os.kill(pid, signal.SIGSTOP)
    with monkeypatch.context() as hasty:
        hasty.setattr("server.search.desk.QUESTION_S", 0.3)
        assert (await alice.ask("search", words="word"))["code"] == "busy"
    os.kill(pid, signal.SIGCONT)
    assert await find(alice, words="opening") == ["opening balance"]


@pytest.mark.parametrize("how", ["deleted", "damaged", "emptied", "reindexed"])
async def test_an_index_that_is_lost_comes_back(hub: Hub, how: str) -> None:
    alice, bob = await talkers(hub)
    for number in range(20):
        await say(alice, "@bob", f"parrot {number}")
    assert len(await find(bob, words="parrot")) == 20
    folder = hub.data / "search"
    if how == "deleted":
        shutil.rmtree(folder)
    elif how == "reindexed":
        assert reindex(folder) == 0
    else:
        _spoil(folder, b"" if how == "emptied" else os.urandom(100_000))
    await finds(bob, [f"parrot {number}" for number in range(19, -1, -1)], words="parrot")


def _spoil(folder: Path, content: bytes) -> None:
    for end in ("-wal", "-shm"):
        (folder / f"{FILE}{end}").unlink(missing_ok=True)
    (folder / FILE).write_bytes(content)


async def test_a_store_that_goes_away(hub: Hub) -> None:
    alice, bob = await talkers(hub)
    await say(alice, "@bob", "a parrot")
    assert await find(bob, words="parrot") == ["a parrot"]
    assert hub.app.embedded is not None
    store = hub.app.embedded.pid
    assert store is not None
    os.kill(store, signal.SIGKILL)
    await until(lambda: hub.app.embedded.pid not in (None, store))  # type: ignore[union-attr]

    async def found() -> bool:
        page = await bob.ask("search", words="parrot")
        assert page["type"] == "found" or page["code"] in ("unavailable", "busy")
        return bool(page.get("hits"))

    await until(found)
    assert hub.app.services.search.restarts == 0


@pytest.mark.parametrize("shorter", [True, False])
async def test_another_past_of_the_store(hub: Hub, shorter: bool) -> None:
    """The store was restored: what the index has of the box is of no use."""
    alice, bob = await talkers(hub)
    await say(alice, "@bob", "a parrot")
    assert await find(bob, words="parrot") == ["a parrot"]
    own = hub.app.services.keyspace.of("@bob")
    await hub.store("LPOP", own.box)
    if not shorter:
        await hub.store("RPUSH", own.box, await hub.store("LINDEX", own.box, 0))
        await hub.store("HSET", hub.app.services.keyspace.meta(0), "epoch", 5)
        await asyncio.sleep(EPOCH_S)
    page = await page_of(bob, words="parrot")
    seqs = [hit["entry"]["seq"] for hit in page["hits"]]
    assert seqs == [1] if shorter else [2, 1]


@pytest.mark.parametrize("count", [8_000, pytest.param(100_000, marks=pytest.mark.long)])
async def test_many_entries_in_bounded_memory(hub: Hub, count: int) -> None:
    _, bob = await talkers(hub)
    await find(bob, words="word")
    pid = await works(hub)
    await written(hub, 500)
    await until(lambda: _is_whole(bob), 60.0)
    before = _rss_kib(pid)
    await written(hub, count, "word " + "and many more words " * 20)
    for _ in range(4):
        await written(hub, 500, "word " + "x" * 30_000)
    await until(lambda: _is_whole(bob), 400.0)
    assert _rss_kib(pid) - before < 48 * 1024
    page = await bob.ask("search", words="number 77")
    assert page["hits"]
    assert hub.app.services.search.restarts == 0


def _rss_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def test_there_must_be_an_index_to_throw_away(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no search index"):
        reindex(tmp_path / "search")


async def test_questions_that_waited_too_long_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub has said `busy` already: who asks now shall not wait for that."""
    answered: list[int] = []
    worker = SearchWorker(None, None)  # type: ignore[arg-type]

    async def answer(question: Question) -> None:
        answered.append(question.number)

    monkeypatch.setattr(worker, "_answer", answer)
    now = time.monotonic()
    for number, came in enumerate((now - QUESTION_S, now), 1):
        worker._questions.put_nowait((came, Question(number, "@bob", ["@bob"], 0)))
    task = asyncio.create_task(worker._answer_all())
    await until(worker._questions.empty)
    task.cancel()
    assert answered == [2]


async def test_metrics(hub: Hub) -> None:
    alice = await hub.register("alice")
    await say(alice, "@alice", "a parrot")
    assert (await alice.ask("search", words="parrot"))["type"] == "found"
    await until(lambda: hub.app.services.search.figures.entries == 2)
    async with aiohttp.ClientSession() as session, session.get(f"{hub.http}/metrics") as page:
        lines = (await page.text()).splitlines()
    for line in (
        "teller_search_up 1.0",
        "teller_search_behind 0.0",
        "teller_search_entries 2.0",
        "teller_search_indexed_total 2.0",
        "teller_search_questions_total 1.0",
        "teller_search_restarts_total 0.0",
    ):
        assert line in lines
    (size,) = [line for line in lines if line.startswith("teller_search_size_bytes ")]
    assert float(size.split()[1]) > 4096
