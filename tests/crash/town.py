"""Many residents who talk and pay at random, and the verdict on what became of it all."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from typing import Any

from server.ledger.audit import audit
from server.ledger.keys import Keyspace
from server.ledger.lanes import OutLane
from server.store.client import redis_client
from tests.crash.hub_process import HubProcess
from tests.crash.resident import Frame, Resident
from tests.support import PATIENCE_S, until

HALL, YARD = "#hall", "#yard"
"""A room that everyone is in, and one where people come and go."""
OPENING = 10_000


def compose(person: Resident, crowd: list[str]) -> Frame:
    """The next thing that `person`, one of `crowd`, does."""
    posts, rng = len(person.frames), person.rng
    id = f"{person.handle}-{posts}"
    if posts == 0:
        return {"type": "join", "id": id, "room": HALL}
    kind = rng.choices(("say", "call", "shout", "pay", "show", "move"), (5, 3, 2, 5, 2, 1))[0]
    to = rng.choice(crowd)
    say: Frame = {"type": "message", "id": id, "text": f"text of {id}"}
    money = {"to": to, "amount": rng.randint(1, 2_500), "currency": "USD"}
    pay: Frame = {"type": "payment", "id": id, **money}
    if to == person.name and kind in ("pay", "show"):
        kind = "say"  # to oneself: a note
    return {
        "say": {**say, "to": to},
        "call": {**say, "to": HALL},
        "shout": {**say, "to": YARD},
        "pay": pay,
        "show": {**pay, "room": HALL},
        "move": {"type": rng.choice(("join", "leave")), "id": id, "room": YARD},
    }[kind]


def make_rooms(keeper: Resident) -> Frame | None:
    """The keeper makes both rooms, and then looks on."""
    made = len(keeper.frames)
    if made == 2:
        return None
    return {"type": "create", "id": f"room{made}", "room": (HALL, YARD)[made]}


class Town:
    """Residents, the hub they live on, and a keeper who owns the rooms."""

    def __init__(self, hub: HubProcess, size: int = 12, seed: int = 1, partitions: int = 1) -> None:
        self.hub = hub
        hub.options += ("--partitions", str(partitions))
        self.keyspace = Keyspace(partitions)
        self.seed = seed
        self.random = random.Random(seed)
        self.people: list[Resident] = []
        self._size_at_first = size
        self.keeper = Resident(hub.url, "keeper", seed, make_rooms)
        self._lives: list[asyncio.Task[None]] = []

    async def settle(self) -> None:
        """Make the rooms, and let the people come; or let them go on, if they are there."""
        if self._lives:
            self._wake()
            return
        self._lives.append(asyncio.create_task(self.keeper.live()))
        await until(lambda: len(self.keeper.acks) == 2)
        for _ in range(self._size_at_first):
            self.add_person()

    def add_person(self) -> None:
        """One more comes, and begins to talk and pay."""
        number = len(self.people)
        person = Resident(self.hub.url, f"person{number}", self.seed * 1_000 + number, self._next)
        self.people.append(person)
        self._lives.append(asyncio.create_task(person.live()))

    def _next(self, person: Resident) -> Frame:
        return compose(person, [one.name for one in self.people if one.token])

    def acknowledged(self) -> int:
        return sum(len(one.acks) for one in self.people)

    async def until_acknowledged(self, more: int) -> None:
        """Let the load run until this many more posts were acknowledged, or the hub is gone."""
        target = self.acknowledged() + more
        await until(lambda: self.acknowledged() >= target or not self.hub.running, 3 * PATIENCE_S)

    async def rest(self) -> None:
        """No new posts; wait until every post so far has its final answer."""
        for one in self.people:
            one.resting = True
        try:
            await until(
                lambda: all(one.token and not one.unanswered for one in self.people), 2 * PATIENCE_S
            )
        except TimeoutError:
            stuck = {one.name: list(one.unanswered) for one in self.people if one.unanswered}
            raise AssertionError(f"unanswered: {stuck}; hub: {self.hub.said[-20:]}") from None

    def _wake(self) -> None:
        for one in self.people:
            one.resting = False

    async def stop_hub(self) -> None:
        """Stop the hub as an operator would; the people stay and try to come back."""
        self.hub.signal(signal.SIGINT)
        assert await self.hub.ended() == 0

    async def leave(self) -> None:
        """Everyone goes."""
        for life in self._lives:
            life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)

    def summary(self) -> str:
        counts = sum((one.counts for one in self.people), Counter[str]())
        sent = sum(len(one.frames) for one in self.people)
        refused = sum(len(one.refused) for one in self.people)
        rest = ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))
        return f"posts {sent}: acknowledged {self.acknowledged()}, refused {refused}; {rest}"

    # The verdict.

    async def judge(self) -> None:
        """Rest, read everything through the wire, and see that every promise was kept."""
        await self.rest()
        faults = [fault for one in (*self.people, self.keeper) for fault in one.faults]
        assert not faults, faults[:10]
        mistakes = [line for line in self.hub.said if "Traceback" in line or "handler" in line]
        assert not mistakes, self.hub.said[-60:]
        await until(self._everything_arrived)
        async with asyncio.timeout(3 * PATIENCE_S):
            boxes = {one.name: await read_box(one, one.name) for one in self.people}
            for room in (HALL, YARD):
                boxes[room] = await read_box(self.keeper, room)
            balances = {one.name: await read_balance(one) for one in self.people}
        self._judge_boxes(boxes)
        for one in self.people:
            self._judge_acks(one, boxes)
            self._judge_order(one, boxes)
        self._judge_balances(balances)
        async with redis_client(self.hub.store) as client:
            report = await audit(client, self.keyspace)
            assert report.in_transit == {}
        assert report.ok, report.findings[:10]
        assert report.circulation["USD"] == OPENING * (len(self.people) + 1)

    async def _everything_arrived(self) -> bool:
        """Whether no leg is on its way to another partition."""
        partitions = range(self.keyspace.partitions)
        async with redis_client(self.hub.store) as client:
            for a, b in ((a, b) for a in partitions for b in partitions if a != b):
                lane = OutLane.parse(await client.get(self.keyspace.lane_out(a, str(b))))
                if lane.done < lane.sent:
                    return False
        return True

    def _judge_boxes(self, boxes: dict[str, list[Frame]]) -> None:
        """No frame twice; none that was refused; everyone saw what is written."""
        for box, entries in boxes.items():
            assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1)), box
            ids = Counter((entry["type"], entry["from"], entry["id"]) for entry in entries)
            twice = [who for who, times in ids.items() if times > 1]
            assert not twice, f"twice in {box}: {twice[:5]}"
        refused = {(one.name, id) for one in self.people for id in one.refused}
        there = {(entry["from"], entry["id"]) for some in boxes.values() for entry in some}
        assert not refused & there, f"refused, but there: {list(refused & there)[:5]}"
        for one in (*self.people, self.keeper):
            for box, seen in one.seen.items():
                for seq, id in seen.items():
                    if box in boxes:
                        assert boxes[box][seq - 1]["id"] == id, (one.name, box, seq, id)

    def _judge_acks(self, one: Resident, boxes: dict[str, list[Frame]]) -> None:
        """Each acknowledged frame is where its ack says, and at the other side too."""
        assert one.acks.keys() | one.refused.keys() == one.frames.keys()
        for id, ack in one.acks.items():
            entry = boxes[ack["box"]][ack["seq"] - 1]
            told = {name: entry.get(name) for name in one.frames[id]}
            assert (entry["from"], told) == (one.name, one.frames[id]), ack
            if ack.get("state") == "accepted":
                ends = [e for e in boxes[one.name] if (e["type"], e["id"]) == ("settled", id)]
                assert len(ends) == 1, (id, ends)
            for other in {entry.get("to"), entry.get("room")} - {None, one.name}:
                found = [e for e in boxes[other] if (e["from"], e["id"]) == (one.name, id)]
                assert len(found) == 1, (other, id, found)

    def _judge_order(self, one: Resident, boxes: dict[str, list[Frame]]) -> None:
        """What was never answered "ask again" stands in the order it was sent.

        A refusal is not remembered: if it was lost with a connection, the frame is judged anew, and
        may find its place behind later ones. A payment that is shown in a room of another
        partition comes there by a lane, so it may stand behind later words.
        """
        order = {id: place for place, id in enumerate(one.frames)}
        of = self.keyspace.partition_of
        for box in (one.name, HALL, YARD):
            late = ("settled",) if of(box) == of(one.name) else ("settled", "payment")
            mine = [e for e in boxes[box] if e["from"] == one.name and e["type"] not in late]
            ids = [e["id"] for e in mine if e["id"] in order]
            places = [order[id] for id in ids if id not in one.doubtful | one.judged_anew]
            assert places == sorted(places), (one.name, box, ids)

    def _judge_balances(self, balances: dict[str, int]) -> None:
        """Every balance is what the acknowledged payments say, and the sum is what came in."""
        expected = dict.fromkeys(balances, OPENING)
        for one in self.people:
            for id in one.acks:
                frame = one.frames[id]
                if frame["type"] == "payment":
                    expected[one.name] -= frame["amount"]
                    expected[frame["to"]] += frame["amount"]
        assert balances == expected
        assert sum(balances.values()) == OPENING * len(self.people)


async def read_box(reader: Resident, box: str) -> list[Frame]:
    """A whole box, page by page, as the wire gives it."""
    entries: list[Frame] = []
    more = True
    while more:
        below: dict[str, Any] = {"before": entries[0]["seq"]} if entries else {}
        page = await reader.ask("history", box=box, limit=200, **below)
        entries = page["entries"] + entries
        more = page["more"]
    return entries


async def read_balance(reader: Resident) -> int:
    sheet = await reader.ask("balance")
    return int(sheet["balances"]["USD"]["available"])
