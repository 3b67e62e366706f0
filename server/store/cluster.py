"""The partitions on the primaries of a cluster, followed when they move.

A look at the topology is taken every few seconds, and at once when something does not lie where it
was believed to: a node sends us elsewhere, a connection breaks or hangs, a subscription ends. Looks
are taken one after the other, so a storm of such signs costs one or two.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence

import structlog

from .connection import Down, Listener, Lost, Refused, Wire, dial
from .endpoint import Endpoint, StoreError
from .link import StoreLink
from .partition import Partition, Watch, drain
from .stores import Stores
from .topology import ASK, MOVED, View, look, redirection

LOOK_EVERY_S = 5.0
LOOK_AGAIN_S = 0.1
"""Pause between two looks while a partition is not found."""
ANSWERS_S = 0.3
"""Who has not told the topology by then is not waited for, if anybody has."""
NO_ANSWER_S = 2.0
ASKED_AT_ONCE = 8
"""Nodes asked in one look: their claims are compared, and some of them may be down."""
START_S = 10.0
"""How long a start waits for all partitions."""
UNFIT_S = 2.0
"""The same, when a server is not fit for money: it may be about to change its role."""
REQUEST_PATIENCE_S = 5.0
NODE_TIMEOUT = "cluster-node-timeout"
NODE_TIMEOUT_S = 5.0
"""For where the store does not let us ask; the engine's own default is longer."""
TRUST = 0.5
"""Part of the node timeout after which a reply that is late is not believed. It must leave room for
the pause between two beats of the link."""

PASSING = (Down, Lost, Refused, OSError, TimeoutError)
"""Errors that may be gone at the next attempt."""


class ClusterStores(Stores):
    """Partitions over a cluster, with one link to each primary that has any."""

    patience_s = REQUEST_PATIENCE_S

    def __init__(self, endpoint: Endpoint, slots: Sequence[int], watch: Watch) -> None:
        super().__init__(endpoint, slots, watch)
        self._doubted = asyncio.Event()
        self._known: set[Endpoint] = set()
        self._hints: set[Endpoint] = set()
        self._log = structlog.get_logger("store")
        for partition in self._partitions:
            partition.elsewhere = self._elsewhere

    async def start(self) -> None:
        view = await self._look()
        if not view.claims:
            raise StoreError(f"no node of the cluster at {self._endpoint} serves any slots")
        self._apply(view)
        self._keep_up()
        self._tasks.append(asyncio.create_task(self._follow()))
        try:
            await self._wait_for_partitions()
        except BaseException:
            await self.stop()
            raise

    async def _wait_for_partitions(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not self.up:
            errors = [*(link.error for link in self._links.values() if not link.up)]
            errors += [one.error for one in self._partitions if not one.up]
            unfit = [one for one in errors if one is not None and not isinstance(one, PASSING)]
            waited = loop.time() - began
            if unfit and waited > UNFIT_S:
                raise unfit[0]
            if waited > START_S:
                self._go_without(errors)
                return
            await asyncio.sleep(LOOK_AGAIN_S / 2)

    def _go_without(self, errors: list[BaseException | None]) -> None:
        """Start although partitions are missing, so that the others are served."""
        missing = [one.number for one in self._partitions if not one.up]
        if len(missing) == len(self._partitions):
            raise next((one for one in errors if one is not None), Down())
        self._log.error("partitions cannot be reached; the others are served", partitions=missing)

    def doubt(self) -> None:
        self._doubted.set()

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S if self.up else LOOK_AGAIN_S):
                    await self._doubted.wait()
            self._doubted.clear()
            try:
                self._apply(await self._look())
            except StoreError as error:
                self._log.warning("the cluster's topology is not known", error=str(error))
            except Exception:  # a strange answer must not end the following
                self._log.exception("the cluster's topology cannot be read")
            await asyncio.sleep(LOOK_AGAIN_S / 2)  # meanwhile more doubts come together

    # The topology.

    async def _look(self) -> View:
        """What a few nodes tell together.

        Raises:
            StoreError: if none answers.
        """
        tasks = [asyncio.create_task(self._ask(one)) for one in self._to_be_asked()]
        try:
            done, late = await asyncio.wait(tasks, timeout=ANSWERS_S)
            views = [task.result() for task in done if task.exception() is None]
            if not views and late:
                done, late = await asyncio.wait(
                    late, timeout=NO_ANSWER_S, return_when=asyncio.FIRST_COMPLETED
                )
                views = [task.result() for task in done if task.exception() is None]
        finally:  # also if the looking itself is ended: nobody waits for them any more
            for task in tasks:
                task.cancel()
        if not views:
            reasons = [str(task.exception() or "") for task in done]
            raise StoreError(f"no node of {self._endpoint} answers: {'; '.join(reasons)[:300]}")
        return View.merged(views)

    def _to_be_asked(self) -> list[Endpoint]:
        """Hinted nodes first, then the primaries, the seeds, and any others."""
        seeds = self._endpoint.seeds()
        others = random.sample(sorted(self._known, key=str), len(self._known))
        asked = list(dict.fromkeys([*self._hints, *self._links, *seeds, *others]))
        self._hints.clear()
        # A few at random in place of the last ones, lest all that are asked are down.
        return asked[: ASKED_AT_ONCE - 2] + asked[ASKED_AT_ONCE - 2 :][-2:]

    async def _ask(self, endpoint: Endpoint) -> View:
        link = self._links.get(endpoint)
        if link is not None and link.wire is not None:
            return await look(link.wire)
        wire = await dial(endpoint, Listener())
        try:
            return await look(wire)
        finally:
            wire.abort()

    def _apply(self, view: View) -> None:
        """Go to the primaries that the view names, and leave those that it does not."""
        self._known = view.nodes or self._known
        for partition, slot in zip(self._partitions, self._slots, strict=True):
            primary = view.primary_of(slot)
            if primary is not None:
                self._move(partition, primary)
        used = {partition.link for partition in self._partitions}
        for endpoint, link in list(self._links.items()):
            if link not in used:
                del self._links[endpoint]
                self._tasks.append(asyncio.create_task(_leave(link)))
        self._tasks = [task for task in self._tasks if not task.done()]

    def _move(self, partition: Partition, primary: Endpoint) -> None:
        if partition.link is not None and partition.link.endpoint != primary:
            self._log.info(
                "partition moves",
                partition=partition.number,
                source=str(partition.link.endpoint),
                to=str(primary),
            )
        partition.assign(self._link_to(primary))

    def _link_to(self, endpoint: Endpoint) -> StoreLink:
        new = endpoint not in self._links
        link = super()._link_to(endpoint)
        if new:
            link.begin()
        return link

    # What the links tell.

    async def prepare_node(self, wire: Wire) -> None:
        wire.trust_s = TRUST * await _node_timeout_s(wire)
        await super().prepare_node(wire)

    def refused(self, link: StoreLink, refused: Refused) -> None:
        if refused.code == MOVED:
            slot, to = redirection(refused, link.endpoint)
            self._hints.add(to)
            for partition in self._partitions_at(link):
                if self._slots[partition.number] == slot:
                    partition.fall()
        if refused.code != ASK:
            self.doubt()

    def link_slow(self, link: StoreLink) -> None:
        self.doubt()

    def _elsewhere(self, refused: Refused, wire: Wire) -> Wire | None:
        """The connection to which a request is sent on by ``ASK``, if there is one by now."""
        _, to = redirection(refused, wire.endpoint)
        return self._link_to(to).wire


async def _leave(link: StoreLink) -> None:
    if link.wire is not None:
        await drain(link.wire)
    await link.stop()


async def _node_timeout_s(wire: Wire) -> float:
    """How long a primary must be silent before another may take its place."""
    try:
        found = await wire.request("CONFIG", "GET", NODE_TIMEOUT)
    except Refused:
        return NODE_TIMEOUT_S
    assert isinstance(found, dict)
    return int(found[NODE_TIMEOUT.encode()]) / 1000
