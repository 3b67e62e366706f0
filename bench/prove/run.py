"""The course of a run: set up, load and faults, rest, verdict."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol

from ..errors import BenchError
from ..systems import TELLER_PROGRAM
from .faults import Breaker
from .plan import KINDS, Fault, plan
from .stage import NODE_TIMEOUT_MS, OPENING, PARTITIONS, Stage
from .verdict import Verdict
from .wanted import PLANTS, Wanted

SETTLE_S = 90.0
REST_S = 30.0
"""How long clients may ask again, when all is whole, until everything has an answer."""
JUDGE_S = 45.0
"""What reading and comparing everything may take, and the length of the load."""
AUDIT_S = 600.0
WINDING_UP_S = 30.0
"""What a fault may take beyond its time."""
WRONG_MAX = 200
"""Findings after which a run goes on no longer: it has failed."""


class Watcher(Protocol):
    """Who is told how it goes."""

    def phase(self, words: str) -> None: ...

    def second(self, at: float, figures: dict[str, Any], faults: list[str]) -> None: ...


async def prove(wanted: Wanted, watcher: Watcher) -> Verdict:
    """Do all of it.

    Raises:
        BenchError: if it cannot be done; a broken promise is no such error.
    """
    verdict = Verdict(wanted)
    watcher.phase(f"starting {wanted.primaries * 2} stores, {wanted.hubs} hubs")
    async with Stage(wanted) as stage:
        watcher.phase(f"{wanted.clients} people register")
        try:
            await _settle(stage)
            course = _Course(stage, verdict, watcher)
            await course.load()
            watcher.phase("mending, and waiting for every answer")
            await course.rest()
            watcher.phase("judging")
            await course.judge()
        finally:
            stage.keep_logs()
    return verdict


async def _settle(stage: Stage) -> None:
    wanted = stage.wanted
    durable = "disk" if wanted.plant == "skip-fsync" else wanted.durability
    answer = await stage.crowd.call(
        "settle",
        hubs=stage.doors,
        number=wanted.clients,
        seed=wanted.seed,
        partitions=PARTITIONS,
        opening=OPENING,
        durable=durable,
        patience=SETTLE_S,
    )
    if not answer["done"]:
        raise BenchError(f"only {answer['in']} of {wanted.clients} people could settle in")


class _Course:
    """The parts of a run on a stage that stands."""

    def __init__(self, stage: Stage, verdict: Verdict, watcher: Watcher) -> None:
        self._stage = stage
        self._verdict = verdict
        self._watcher = watcher
        self._breaker = Breaker(stage)
        verdict.faults = self._breaker.done
        self._began = time.monotonic()
        self._enough = False

    def _now(self) -> float:
        return time.monotonic() - self._began

    async def load(self) -> None:
        """Let the crowd talk and pay while things break."""
        wanted = self._stage.wanted
        first = PLANTS.get(wanted.plant or "", ())
        kinds = tuple(KINDS) if wanted.faults is None else wanted.faults
        faults = plan(wanted.seed, wanted.seconds, wanted.hubs, kinds, first)
        self._began = time.monotonic()
        ticking = asyncio.create_task(self._tick(lambda: self._now() >= wanted.seconds))
        try:
            await self._break(faults)
            await ticking
        finally:
            ticking.cancel()

    async def _break(self, faults: list[Fault]) -> None:
        async with asyncio.TaskGroup() as group:
            for fault in faults:
                await asyncio.sleep(max(0.0, fault.at - self._now()))
                if self._enough:
                    return
                await self._one_store_fault_at_a_time(fault)
                group.create_task(self._breaker.do(fault, self._now()))

    async def _one_store_fault_at_a_time(self, fault: Fault) -> None:
        """Wait, where a fault of the cluster took longer than planned: two at once could take
        the majority of its primaries, which no cluster survives."""
        until = self._now() + WINDING_UP_S
        while self._breaker.busy(fault) and self._now() < until:  # noqa: ASYNC110 (or time out)
            await asyncio.sleep(0.05)

    async def _tick(self, done: Callable[[], bool]) -> None:
        """Look every second."""
        while not done() and not self._enough:
            await asyncio.sleep(1.0)
            figures = await self._stage.crowd.call("figures")
            going = [one.kind for one in self._breaker.done if not one.ended]
            sample = {"at": round(self._now(), 2), **figures, "faults": going}
            del sample["tally"]
            self._verdict.timeline.append(sample)
            self._watcher.second(self._now(), figures, going)
            self._enough = sum(figures["wrong"].values()) > WRONG_MAX

    async def rest(self) -> None:
        """Put everything right, and wait until every frame has its answer."""
        stage, verdict = self._stage, self._verdict
        try:
            await stage.mend()
        except BenchError as error:
            verdict.add("not whole", [str(error)])
        ticking = asyncio.create_task(self._tick(lambda: False))
        try:
            await stage.crowd.call("rest", patience=REST_S)
        finally:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
        verdict.seconds = self._now()

    async def judge(self) -> None:
        """What the clients say, what the ledger says, what the hubs wrote."""
        verdict, stage = self._verdict, self._stage
        verdict.take(await stage.crowd.call("judge", patience=JUDGE_S + verdict.wanted.seconds))
        for hub in stage.hubs:
            verdict.add("mistakes", [f"{hub.name}: {line[:300]}" for line in hub.mistakes()])
        wrong, verdict.audit = await _audit(stage)
        declared = self._declared()
        if not (wrong and declared):
            verdict.add("books", wrong)

    def _declared(self) -> bool:
        """Whether posts were lost, and said to be; adds what the loss table does not allow."""
        verdict = self._verdict
        lost = set(verdict.crowd["new_epochs"])
        allowed = self._breaker.forced if verdict.wanted.durability == "disk" else set()
        sentences = [
            f"partition {n} lost acknowledged posts, and said so; {_why(verdict.wanted)}"
            for n in sorted(lost - allowed)
        ]
        verdict.add("undeclared", sentences)
        return bool(lost) and lost <= allowed


def _why(wanted: Wanted) -> str:
    if wanted.durability == "replica" and wanted.plant != "skip-fsync":
        return "but each was on the disk of a replica"
    return f"but no failover took its primary ({NODE_TIMEOUT_MS} ms of silence)"


async def _audit(stage: Stage) -> tuple[list[str], str]:
    """What the ledger's own audit finds wrong, and all that it says."""
    command = ["admin", "audit", "--store", stage.cluster.url]
    process = await asyncio.create_subprocess_exec(
        *(str(TELLER_PROGRAM), *command),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(AUDIT_S):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return [f"the audit did not end in {AUDIT_S:g} s"], ""
    text = said.decode(errors="replace").strip()
    if process.returncode == 0:
        return [], text
    wrong = [line for line in text.splitlines() if line.startswith("WRONG")]
    return wrong or [text[-2_000:]], text
