"""What a pipeline does when the store did nothing: a cluster's node is gone, or gave a partition
away. And how a call is confirmed by the disks that were asked for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from protocol.errors import Code
from protocol.frames import Message
from server.commit import pipeline as module
from server.commit.durability import Durable, Promise
from server.commit.outcomes import Load, Result
from server.commit.pipeline import POSTS_PER_CALL, Pipeline
from server.ledger.posts import Post
from server.store.connection import Callback, Command, Down, Lost, Refused
from tests.support import until

OK, DUPLICATE = 0, 1
AT = 1_700_000_000_000
MOVED = Refused("MOVED 1 127.0.0.1:7001")
READ: list[Command] = [("LLEN", b"box")]


class Node:
    """A channel whose every answer is given by hand."""

    def __init__(self) -> None:
        self.up = True
        self.waiting: list[tuple[Command, Callback]] = []
        self.renewed = 0

    def send(self, command: Command, callback: Callback) -> None:
        if not self.up:
            raise Down
        self.waiting.append((command, callback))

    async def request(self, *command: bytes | str | int) -> object:
        raise NotImplementedError

    def renew(self) -> None:
        self.renewed += 1

    def subscribe(self, names: object) -> None:
        raise NotImplementedError

    unsubscribe = subscribe

    @property
    def ids(self) -> list[str]:
        """Of the posts in the oldest call, which are their marks here."""
        command = self.waiting[0][0]
        assert command[:2] == ["FCALL", "teller_post"]
        marks = command[3 : 3 + int(command[2])]
        return [mark.decode() for mark in marks if isinstance(mark, bytes)]

    def names(self) -> list[object]:
        """The first words of what waits."""
        return [command[0] for command, _ in self.waiting]

    def answer(self, reply: object = None, status: int = OK) -> None:
        """Answer the oldest command; a call, if nothing is given, as done."""
        if reply is None:
            one = [status] if status == OK else [status, b"mark"]
            reply = [AT, *(one * len(self.ids))]
        self.waiting.pop(0)[1](reply)


class Desk:
    """Notes what became of posts."""

    def __init__(self) -> None:
        self.settled_ids: list[str] = []
        self.durable: list[Durable] = []
        self.failures: list[tuple[str, Code]] = []

    def settled(self, post: Post, at: int, result: Result, durable: Durable) -> None:
        self.settled_ids.append(post.id)
        self.durable.append(durable)

    def failed(self, post: Post, code: Code) -> None:
        self.failures.append((post.id, code))

    def flush(self) -> None:
        pass


class Bench:
    """A pipeline between the two."""

    def __init__(self, patience_s: float = 60.0, **options: Any) -> None:
        self.node, self.desk, self.load = Node(), Desk(), Load()
        self.pipeline = Pipeline(
            self.node, self.desk, load=self.load, patience_s=patience_s, **options
        )
        self.replies: list[list[object]] = []

    def post(self, *ids: str, durable: str = "") -> None:
        for id in ids:
            frame = Message(id, "@bob", "hi")
            post = Post(frame, id, None, "@alice", id.encode(), bytes(16), b"hi", durable=durable)
            self.pipeline.post(post)

    def read(self) -> None:
        self.pipeline.read(READ, self.replies.append)

    def wait_out(self) -> None:
        """As if all patience had passed."""
        if self.pipeline._give_up_at is not None:
            self.pipeline._give_up_at -= self.pipeline._patience_s

    async def call(self, *ids: str) -> None:
        """Wait for the call that carries exactly these."""
        await until(lambda: self.node.waiting)
        assert self.node.ids == list(ids)


@pytest.mark.parametrize(
    "error", ["MOVED 1 h:1", "TRYAGAIN x", "CLUSTERDOWN x", "LOADING x", "READONLY x", "ASK 1 h:1"]
)
async def test_what_was_not_done_leaves_again_first_and_in_order(error: str) -> None:
    bench = Bench()
    bench.post("1", "2")
    await bench.call("1", "2")
    bench.post("3")
    bench.node.answer(Refused(error))
    bench.post("4")
    await bench.call("1", "2", "3", "4")
    bench.node.answer()
    assert bench.desk.settled_ids == ["1", "2", "3", "4"]
    assert bench.desk.failures == []
    assert (bench.load, bench.pipeline.idle) == (Load(), True)


async def test_the_second_call_waits_for_the_first_so_that_it_cannot_overtake_it() -> None:
    bench = Bench()
    bench.post("1")
    await bench.call("1")
    bench.post(*(str(n) for n in range(2, 2 + POSTS_PER_CALL)))
    await asyncio.sleep(0.01)
    assert len(bench.node.waiting) == 1
    bench.node.answer(MOVED)
    await until(lambda: bench.node.waiting)
    assert bench.node.ids[:2] == ["1", "2"]
    assert len(bench.node.waiting) == 1


async def test_an_error_from_within_a_function_is_no_reason_to_send_it_again() -> None:
    bench = Bench()
    bench.post("1")
    await bench.call("1")
    bench.node.answer(Refused("READONLY You can't write script: teller_post, on @user_function:1."))
    assert bench.desk.failures == [("1", Code.OUTCOME_UNKNOWN)]


async def test_a_lost_call_stays_unknown_and_what_came_later_leaves() -> None:
    bench = Bench()
    bench.post("1")
    await bench.call("1")
    bench.post("2")
    bench.node.answer(Lost())
    assert bench.desk.failures == [("1", Code.OUTCOME_UNKNOWN)]
    await bench.call("2")


async def test_posts_wait_for_a_lost_node_and_reads_keep_their_place() -> None:
    bench = Bench()
    bench.node.up = False
    bench.post("1")
    bench.read()
    bench.post("2")
    await asyncio.sleep(0.1)
    assert bench.desk.failures == []
    bench.node.up = True
    await until(lambda: bench.node.waiting)
    while bench.node.waiting:  # nothing of it is sent before what stands before it was answered
        assert len(bench.node.waiting) == 1
        if bench.node.names() == ["LLEN"]:
            assert bench.desk.settled_ids[:1] == ["1"]
            bench.node.answer(7)
        else:
            bench.node.answer()
        await asyncio.sleep(0.01)
    assert bench.desk.settled_ids == ["1", "2"]
    assert bench.replies == [[7]]


async def test_a_read_alone_waits_for_a_lost_node() -> None:
    bench = Bench()
    bench.node.up = False
    bench.read()
    await asyncio.sleep(0.05)
    bench.node.up = True
    await until(lambda: bench.node.waiting)
    bench.node.answer(3)
    assert bench.replies == [[3]]


async def test_a_read_does_not_overtake_a_call_that_was_not_done() -> None:
    bench = Bench()
    bench.post("1")
    await bench.call("1")
    bench.read()
    bench.node.answer(MOVED)
    await bench.call("1")
    bench.node.answer()
    await until(lambda: bench.node.waiting)
    bench.node.answer(1)
    assert bench.replies == [[1]]


async def test_a_read_is_not_kept_waiting_by_posts_that_never_end() -> None:
    bench = Bench()
    bench.post("1")
    await bench.call("1")
    bench.read()
    for n in range(2, 5):
        bench.post(*(f"{n}.{place}" for place in range(POSTS_PER_CALL)))
    bench.node.answer()
    await until(lambda: bench.node.waiting)
    assert bench.node.names() == ["LLEN", "FCALL"]


async def test_patience_is_new_after_a_read_that_the_store_answered() -> None:
    bench = Bench()
    bench.read()
    bench.node.answer(MOVED)
    await until(lambda: bench.node.waiting)
    bench.node.answer(1)
    bench.wait_out()
    bench.read()
    bench.node.answer(MOVED)
    await until(lambda: bench.node.waiting)
    bench.node.answer(2)
    assert bench.replies == [[1], [2]]


async def test_no_post_is_forgotten_behind_those_that_need_a_missing_replica(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SHORT_S", 60.0)
    bench = Bench(promise=DISK)
    bold = [f"bold {n}" for n in range(POSTS_PER_CALL)]
    bench.post("1", durable="replica")
    await bench.call("1")
    for reply in (None, 1, 0, [1, 0]):
        bench.node.answer(reply)
    bench.node.up = False
    bench.post(*bold, durable="replica")
    bench.post("last")
    await asyncio.sleep(0.01)
    bench.node.up = True
    await bench.call("last")
    assert [id for id, _ in bench.desk.failures] == ["1", *bold]


async def test_reads_given_together_are_of_one_moment_and_their_errors_their_own() -> None:
    bench = Bench()
    bench.pipeline.read([*READ, *READ], bench.replies.append)
    assert bench.node.names() == ["MULTI", "LLEN", "LLEN", "EXEC"]
    for reply in ("OK", "QUEUED", "QUEUED", [1, Exception("WRONGTYPE x")]):
        assert bench.replies == []
        bench.node.answer(reply)
    assert bench.replies[0][0] == 1
    assert isinstance(bench.replies[0][1], Refused)


@pytest.mark.parametrize("last", [Refused("EXECABORT x"), MOVED])
async def test_reads_of_which_one_was_not_done_are_all_asked_again(last: Refused) -> None:
    bench = Bench()
    bench.pipeline.read([*READ, *READ], bench.replies.append)
    for reply in ("OK", "QUEUED", MOVED, last):
        bench.node.answer(reply)
    await until(lambda: len(bench.node.waiting) == 4)
    for reply in ("OK", "QUEUED", "QUEUED", [1, 2]):
        bench.node.answer(reply)
    assert bench.replies == [[1, 2]]


async def test_a_read_that_was_not_done_is_asked_again() -> None:
    bench = Bench()
    bench.read()
    bench.node.answer(MOVED)
    assert bench.replies == []
    await until(lambda: bench.node.waiting)
    bench.node.answer(1)
    assert bench.replies == [[1]]


async def test_a_catch_up_goes_ahead_and_is_not_asked_again() -> None:
    bench = Bench()
    bench.post("1")
    bench.pipeline.read_ahead(READ, bench.replies.append)
    assert bench.node.names() == ["LLEN"]
    bench.node.answer(MOVED)
    assert bench.replies == [[MOVED]]


async def test_patience_ends_and_comes_back_with_the_store() -> None:
    bench = Bench()
    bench.node.up = False
    bench.post("1", "2")
    bench.read()
    await until(lambda: bench.pipeline.retries)
    bench.wait_out()
    await until(lambda: bench.desk.failures)
    assert bench.desk.failures == [("1", Code.UNAVAILABLE), ("2", Code.UNAVAILABLE)]
    assert isinstance(bench.replies[0][0], Lost)
    assert (bench.load, bench.pipeline.idle) == (Load(), True)
    bench.desk.failures.clear()
    bench.post("3")  # nobody waits as long again for a store that has been away for long
    await until(lambda: bench.desk.failures)
    assert bench.desk.failures == [("3", Code.UNAVAILABLE)]
    bench.node.up = True
    bench.post("4")
    await bench.call("4")
    bench.node.answer()
    bench.node.up = False
    bench.post("5")
    await asyncio.sleep(0.03)
    assert bench.desk.settled_ids == ["4"]
    assert bench.desk.failures == [("3", Code.UNAVAILABLE)]


async def test_without_patience_it_is_unavailable_at_once() -> None:
    bench = Bench(patience_s=0.0)
    bench.post("1")
    await bench.call("1")
    bench.post("2")
    bench.node.answer(Refused("LOADING Valkey is loading the dataset in memory"))
    assert bench.desk.failures[0] == ("1", Code.UNAVAILABLE)
    bench.node.up = False
    with pytest.raises(Down):
        bench.read()


async def test_all_pipelines_share_what_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POSTS_MAX", 3)
    bench = Bench()
    other = Pipeline(Node(), bench.desk, load=bench.load)
    bench.post("1", "2")
    bench.pipeline, kept = other, bench.pipeline
    bench.post("3", "4")
    assert bench.desk.failures == [("4", Code.BUSY)]
    bench.pipeline = kept
    await bench.call("1", "2")
    bench.node.answer()
    bench.post("5")
    assert len(bench.desk.failures) == 1


# Durability.

REPLICA = Promise("disk", "replica", {"a": "replica"})
DISK = Promise("disk", "disk", {"a": "replica"})


async def test_a_replicas_disk_is_asked_behind_the_call() -> None:
    bench = Bench(promise=REPLICA, fence=b"{p0}fence")
    bench.post("1")
    await bench.call("1")
    commands = [command for command, _ in bench.node.waiting[1:]]
    assert commands[0] == ("INCR", b"{p0}fence")
    assert [command[:-1] for command in commands[1:]] == [("WAIT", 1), ("WAITAOF", 1, 1)]
    bench.node.answer()
    bench.node.answer(1)
    bench.node.answer(1)
    assert bench.desk.settled_ids == []  # nothing is acknowledged before the disks have it
    bench.node.answer([1, 1])
    assert (bench.desk.settled_ids, bench.desk.durable) == (["1"], ["replica"])


@pytest.mark.parametrize("counts", [[1, 0], [0, 1], [0, 0], Lost(), Refused("UNBLOCKED x"), "odd"])
@pytest.mark.parametrize("status", [OK, DUPLICATE])
async def test_too_few_disks_are_no_ack(counts: object, status: int) -> None:
    bench = Bench(promise=REPLICA)
    bench.post("1")
    await bench.call("1")
    bench.node.answer(status=status)
    bench.node.answer(1)
    bench.node.answer(1)
    bench.node.answer(counts)
    assert bench.desk.settled_ids == []
    assert bench.desk.failures == [("1", Code.OUTCOME_UNKNOWN)]


async def test_a_fence_that_was_not_written_proves_nothing() -> None:
    bench = Bench(promise=REPLICA)
    bench.post("1")
    await bench.call("1")
    bench.node.answer()
    bench.node.answer(Refused("OOM command not allowed"))
    bench.node.answer(1)
    bench.node.answer([1, 1])
    assert bench.desk.failures == [("1", Code.OUTCOME_UNKNOWN)]


async def test_a_refusal_needs_no_disk() -> None:
    bench = Bench(promise=REPLICA)
    bench.post("1")
    await bench.call("1")
    bench.node.answer([AT, 15, b"0"])
    bench.node.answer(1)
    bench.node.answer(0)
    bench.node.answer([1, 0])
    assert (bench.desk.settled_ids, bench.desk.failures) == (["1"], [])


async def test_one_who_asks_for_more_gets_it_and_the_others_are_told_what_was_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SHORT_S", 60.0)
    bench = Bench(promise=DISK)
    bench.post("1")
    bench.post("2", durable="replica")
    await bench.call("1", "2")
    assert bench.node.names() == ["FCALL", "INCR", "WAIT", "WAITAOF"]
    for reply in (None, 1, 0, [1, 0]):
        bench.node.answer(reply)
    assert (bench.desk.settled_ids, bench.desk.durable) == (["1"], ["disk"])
    assert bench.desk.failures == [("2", Code.OUTCOME_UNKNOWN)]
    bench.post("3")
    bench.post("4", durable="replica")  # nobody waits again for a replica that is not there
    await bench.call("3")
    assert bench.node.names() == ["FCALL"]
    assert bench.desk.failures[1:] == [("4", Code.NOT_DURABLE)]


async def test_a_missing_replica_is_tried_again_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SHORT_S", 0.02)
    bench = Bench(promise=REPLICA)
    bench.post("1")
    await bench.call("1")
    for reply in (None, 1, 0, [1, 0]):
        bench.node.answer(reply)
    await asyncio.sleep(0.03)
    bench.post("1")
    await bench.call("1")
    for reply in (None, 2, 1, [1, 1]):
        bench.node.answer(reply)
    assert bench.desk.durable == ["replica"]


async def test_disk_asked_of_a_hub_that_syncs_once_a_second() -> None:
    bench = Bench(promise=Promise("memory", "memory", {"a": "disk"}))
    bench.post("1")
    await bench.call("1")
    assert bench.node.names() == ["FCALL"]
    bench.node.answer()
    bench.post("2", durable="disk")
    await bench.call("2")
    assert bench.node.waiting[2][0][:3] == ("WAITAOF", 1, 0)
    for reply in (None, 1, [1, 0]):
        bench.node.answer(reply)
    assert bench.desk.durable == ["memory", "disk"]


# Nodes that stood still.


async def test_an_answer_that_comes_too_late_is_unknown_and_ends_the_connection() -> None:
    """Its node may have been deposed meanwhile, and throw away what it answers as done."""
    bench = Bench(promise=Promise(late_s=0.05))
    bench.post("1")
    await bench.call("1")
    bench.read()
    await asyncio.sleep(0.06)
    bench.node.answer()
    assert bench.desk.settled_ids == []
    assert bench.desk.failures == [("1", Code.OUTCOME_UNKNOWN)]
    assert bench.node.renewed == 1


async def test_so_is_a_read_and_a_sign_of_life_that_came_late() -> None:
    bench = Bench(promise=Promise(late_s=0.05))
    bench.read()
    await asyncio.sleep(0.06)
    bench.node.answer(1)
    assert isinstance(bench.replies[0][0], Lost)
    pulse = bench.pipeline.pulse
    assert pulse is not None
    await asyncio.sleep(0.02)
    pulse.beat()
    assert bench.node.names() == ["PING"]
    await asyncio.sleep(0.06)
    bench.node.answer("PONG")
    assert bench.node.renewed == 2


async def test_a_sign_of_life_in_between_keeps_the_answer_good() -> None:
    bench = Bench(promise=Promise(late_s=60.0))
    pulse = bench.pipeline.pulse
    assert pulse is not None
    for _ in range(4):
        pulse.heard -= 0.3 * 60.0  # so long ago
        pulse.beat()
        bench.node.answer("PONG")
    bench.post("1")
    await bench.call("1")
    bench.node.answer()
    assert (bench.desk.settled_ids, bench.node.renewed) == (["1"], 0)


async def test_the_confirmed_call_of_a_deposed_node_is_no_ack_for_anybody() -> None:
    bench = Bench(promise=Promise("disk", "disk", {"a": "replica"}, late_s=0.05))
    bench.post("1")
    bench.post("2", durable="replica")
    await bench.call("1", "2")
    await asyncio.sleep(0.06)
    for reply in (None, 1, 0, [0, 0]):
        bench.node.answer(reply)
    assert [code for _, code in bench.desk.failures] == [Code.OUTCOME_UNKNOWN] * 2
