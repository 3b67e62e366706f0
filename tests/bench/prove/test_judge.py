"""The judge against small worlds of its own making: each broken promise is named, honest ones pass.

No hub is needed: what clients were told and what is written are given, one thing of it is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bench.prove.crowd.book import Book, content_of, key_of
from bench.prove.crowd.judge import Judge
from bench.prove.crowd.ops import Op
from bench.prove.crowd.person import Person
from bench.prove.crowd.town import Town

Frame = dict[str, Any]
OPENING = 100


class World:
    """Two people in two partitions: @p0 pays @p1 twice and says something; all of it is right."""

    def __init__(self) -> None:
        self.town = Town()
        self.town.hubs = [("", 0)]
        self.book: Book = self.town.book
        self.people = [Person(self.town, place, 2, 1) for place in range(2)]
        self.judge = Judge(self.book, self.people, 16, OPENING)
        payer = self.people[0]
        self.boxes: dict[str, list[Frame]] = {"@p0": [], "@p1": []}
        for place, amount in enumerate((30, 5)):
            self.pay(payer, f"p0-{place}", place, amount)
        say = {"type": "message", "id": "p0-2", "to": "@p1", "text": "so"}
        self.do(payer, 2, say, "@p0", {"@p0": say, "@p1": say})
        self.balances = {"@p0": OPENING - 35, "@p1": OPENING + 35}

    def pay(self, payer: Person, id: str, place: int, amount: int) -> None:
        pay: Frame = {"type": "payment", "id": id, "to": "@p1", "amount": amount}
        settled = {"type": "settled", "id": id, "to": "@p1", "amount": amount}
        self.do(payer, place, pay, "@p0", {"@p0": pay, "@p1": pay})
        self.stand("@p0", settled, payer.name)
        op = payer.ops[id]
        op.state, op.closed = "accepted", "settled"

    def do(self, one: Person, place: int, frame: Frame, box: str, where: dict[str, Frame]) -> None:
        op = one.ops[frame["id"]] = Op(place, frame, copies=1)
        for name, entry in where.items():
            seq = self.stand(name, entry, one.name)
            if name == box:
                op.acked, op.box, op.seq = True, box, seq

    def stand(self, box: str, frame: Frame, who: str) -> int:
        seq = len(self.boxes[box]) + 1
        entry = {**frame, "from": who, "box": box, "seq": seq, "at": 1}
        self.boxes[box].append(entry)
        self.book.see(who, box, 0, seq, key_of(entry), content_of(entry))
        return seq

    async def verdict(self) -> dict[str, list[str]]:
        for one in self.people:
            balance = self.balances[one.name]

            async def answer(kind: str, money: int = balance, **_: Any) -> Frame:
                return {"balances": {"USD": {"available": money, "held": 0}}}

            one.ask_on = answer  # type: ignore[method-assign]
        self.judge.boxes = self.boxes
        await self.judge.compare()
        return self.book.sentences


@pytest.fixture
def world() -> World:
    return World()


async def test_an_honest_world_holds(world: World) -> None:
    assert await world.verdict() == {}


def drop_copy(world: World) -> None:
    world.boxes["@p1"].pop()


def say_twice(world: World) -> None:
    world.stand("@p1", {"type": "message", "id": "p0-2", "to": "@p1", "text": "so"}, "@p0")


def swap(world: World) -> None:
    """As it was told, but not as it was sent."""
    ops = world.people[0].ops
    ops["p0-0"].place, ops["p0-1"].place = 1, 0
    world.people[0].ops = dict(sorted(ops.items(), key=lambda one: one[1].place))


def swap_told(world: World) -> None:
    box = world.boxes["@p1"]
    box[0], box[1] = {**box[1], "seq": 1}, {**box[0], "seq": 2}


def reword(world: World) -> None:
    world.boxes["@p1"][2]["text"] = "other"


def forget_acked(world: World) -> None:
    world.boxes["@p0"].pop()


def refuse(world: World) -> None:
    op = world.people[0].ops["p0-2"]
    op.acked, op.refused = False, "insufficient_funds"


def never_answer(world: World) -> None:
    op = world.people[0].ops["p0-2"]
    op.acked = False


def strand(world: World) -> None:
    """The second payment never settles."""
    entry = next(one for one in world.boxes["@p0"] if one["type"] == "settled")
    entry["type"] = "message"
    entry["id"] = "other"


def enrich(world: World) -> None:
    world.balances["@p1"] += 1


def rob(world: World) -> None:
    world.balances["@p0"] -= 1


def overdraw(world: World) -> None:
    world.balances["@p0"] = -1


def settle_at_once(world: World) -> None:
    world.people[0].ops["p0-0"].state = "settled"


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (drop_copy, "lost"),
        (say_twice, "doubles"),
        (swap, "reorders"),
        (swap_told, "reorders"),
        (reword, "forks"),
        (forget_acked, "lost"),
        (refuse, "refused but done"),
        (never_answer, "unresolved"),
        (strand, "in transit"),
        (enrich, "money created"),
        (rob, "money lost"),
        (overdraw, "negative"),
        (settle_at_once, "wrong state"),
    ],
)
async def test_what_is_wrong_is_named(
    world: World, wrong: Callable[[World], None], kind: str
) -> None:
    wrong(world)
    assert kind in await world.verdict()


async def test_what_was_declared_lost_is_counted_but_no_finding(world: World) -> None:
    """The store said by a new epoch that it lost something: so much may be missing."""
    world.book.begins("@p0", 1)
    world.people[0].ops["p0-2"].epoch = 1
    world.book.begins("@p0", 2)
    forget_acked(world)
    found = await world.verdict()
    assert "lost" not in found
    assert world.judge.declared["acknowledged"] == 1


def _with_strangers(world: World, end: str) -> World:
    """Both people live in one partition; the first payment waited, and then ended so."""
    world.judge = Judge(world.book, world.people, 1, OPENING)
    first, second = (world.people[0].ops[f"p0-{n}"] for n in range(2))
    first.state, second.state, second.closed = "waiting", "settled", ""
    told = [one for one in world.boxes["@p0"] if one["type"] == "settled"]
    told[1].update(type="message", id="other")
    if end == "settled":
        world.stand("@p1", {**told[0], "type": "settled"}, "@p0")
    elif end == "returned":
        told[0]["type"] = "returned"
        world.stand("@p1", {"type": "returned", "id": "p0-0", "to": "@p1", "amount": 30}, "@p0")
        world.balances = {"@p0": OPENING - 5, "@p1": OPENING + 5}
    else:
        told[0].update(type="message", id="another")
    return world


@pytest.mark.parametrize("end", ["settled", "returned", ""])
async def test_money_that_waited_ends_one_way_or_the_other(world: World, end: str) -> None:
    found = await _with_strangers(world, end).verdict()
    assert ("in transit" in found) == (end == "")
    assert "wrong state" not in found
    assert not any("p0-0" in words for words in found.get("lost", ()))
