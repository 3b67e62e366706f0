"""A partition of a real store that loses its last moments, as when a replica takes over that had
not got all; and the mending of its lane."""

from __future__ import annotations

from server.ledger.audit import AuditReport, audit
from server.ledger.mend_plan import MendPlan, plan
from server.ledger.shelf import Shelf
from server.ledger.status import Status

from . import builders as b
from .carrier import Lane
from .ledgers import StoreLedger
from .town import ALICE, KEYS, THERE, Town

Kept = dict[bytes, bytes]


def keep(town: StoreLedger, partition: int) -> Kept:
    """All keys of the partition, as they are now."""
    tag = town.keyspace.tag(partition).encode()
    return {key: value for key, value in town.dump().items() if key.startswith(tag)}


def lose(town: StoreLedger, partition: int, kept: Kept) -> None:
    """The partition is as it was. The model cannot forget, so it is not asked any more."""
    for key in keep(town, partition):
        town.client.delete(key)
    for key, value in kept.items():
        town.client.restore(key, 0, value)
    town.apply = lambda posts: StoreLedger.apply(town, posts)  # type: ignore[method-assign]


def wait_for_another_ms(town: Town, lane: Lane) -> None:
    """No server takes over within a millisecond."""
    arrived = town.carrier.arrived(lane).at
    while True:
        seconds, micros = town.client.time()
        if seconds * 1000 + micros // 1000 > arrived:
            return


async def judged(shelf: Shelf) -> AuditReport:
    return await audit(shelf.store, shelf.keyspace)


async def mend(shelf: Shelf, most: int = 1_000) -> MendPlan:
    """Plan, and do at most so many steps of it."""
    made = await plan(shelf, *THERE)
    for number, (post, good) in enumerate(made.posts(KEYS)):
        if number < most:
            assert Status(int((await shelf.apply(post))[0])) in good
    return made


def names(made: MendPlan) -> list[tuple[str, str, str, tuple[int, str] | None]]:
    return [(one.id, one.from_, one.to, one.money) for one in made.corrections]


def lost_payments(town: Town) -> None:
    """@alice's partition forgets a payment of 10 and one of 20, words, and that she paid for them;
    then she pays 5."""
    kept = keep(town, ALICE.partition)
    town.post(b.payment("lost1", "@alice", "@bob", 10))
    town.post(b.message("words", "@alice", "@bob"))
    town.post(b.payment("lost2", "@alice", "@bob", 20))
    town.carrier.carry([THERE])
    lose(town, ALICE.partition, kept)
    wait_for_another_ms(town, THERE)
    town.post(b.payment("new", "@alice", "@bob", 5))
