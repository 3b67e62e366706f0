"""One account whose client lives through crashes: it resumes by itself and asks again by itself.

It knows the wire only. What it sees it writes down, and whatever breaks a promise is a fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgpack
import orjson
from websockets.exceptions import InvalidHandshake, WebSocketException

from tests.support import PASSWORD, Client

Frame = dict[str, Any]
RETRY_S = 0.03
"""Pause before a client connects, or asks, again."""
UNANSWERED_MAX = 6


class Resident:
    """An account and its client."""

    def __init__(
        self, url: str, handle: str, seed: int, compose: Callable[[Resident], Frame | None]
    ) -> None:
        self.url = url
        self.compose = compose
        """Says what to post next, if anything."""
        self.name = f"@{handle}"
        self.handle = handle
        self.rng = random.Random(seed)
        self.token: str | None = None
        self.cursors: dict[str, int] = {}
        self.seen: dict[str, dict[int, str]] = {}
        """By box and seq: the id of what was told or acknowledged."""
        self.frames: dict[str, Frame] = {}
        """Every post, in the order of first sending."""
        self.unanswered: dict[str, Frame] = {}
        self.doubtful: set[str] = set()
        """Posts that were answered "ask again" at least once."""
        self.judged_anew: set[str] = set()
        """Posts that can be refused, and did not happen before they were sent again."""
        self.acks: dict[str, Frame] = {}
        self.refused: dict[str, str] = {}
        self.goodbyes: list[Frame] = []
        self.closes: list[int | None] = []
        """The close code of each connection that ended; 1006 where none was said."""
        self.faults: list[str] = []
        self.counts: Counter[str] = Counter()
        self.resting = False
        """No new posts; what is unanswered is still asked again."""
        self._client: Client | None = None
        self._again: set[str] = set()
        self._sent_again = Counter[str]()
        self._answers: dict[str, asyncio.Future[Frame]] = {}
        self._asked = 0

    # Living.

    async def live(self) -> None:
        """Connect, resume, post, and begin anew after every loss. Until cancelled."""
        while True:
            with contextlib.suppress(OSError, WebSocketException, InvalidHandshake, EOFError):
                await self._visit()
            self._client = None
            for waiting in self._answers.values():
                waiting.cancel()
            self._answers.clear()
            await asyncio.sleep(RETRY_S)

    async def _visit(self) -> None:
        client = await Client.connect(self.url, binary=self.rng.random() < 0.5, open_timeout=5)
        try:
            if not await self._enter(client):
                return
            self._client = client
            self._again.clear()
            self._sent_again.update(self.unanswered.keys())
            for frame in list(self.unanswered.values()):
                await client.send(frame)
            posting = asyncio.create_task(self._post(client))
            try:
                while True:
                    self._take(await _next(client))
            finally:
                posting.cancel()
                await asyncio.gather(posting, return_exceptions=True)
        finally:
            self.closes.append(client.socket.close_code)
            client.socket.transport.abort()

    async def _enter(self, client: Client) -> bool:
        """Register or say hello; whether it worked."""
        if self.token is None:
            entrance: Frame = {"type": "register", "handle": self.handle, "password": PASSWORD}
        else:
            entrance = {"type": "hello", "token": self.token, "cursors": self.cursors}
        await client.send({**entrance, "id": f"in-{self.handle}"})
        answer = await _next(client)
        if answer["type"] == "welcome":
            self._welcome(answer)
            return True
        if answer["type"] != "goodbye" and answer.get("retry") != "same_id":
            self.faults.append(f"{self.name} could not come in: {answer}")
        return False

    async def _post(self, client: Client) -> None:
        """Post at random; ask again what was not settled, before anything new."""
        while True:
            await asyncio.sleep(self.rng.uniform(0.001, 0.02))
            if self._again:
                again = [frame for id, frame in self.unanswered.items() if id in self._again]
                self._again.clear()
                await asyncio.sleep(RETRY_S)
                for frame in again:
                    await client.send(frame)
            elif self.resting or len(self.unanswered) >= UNANSWERED_MAX:
                continue
            elif frame := self.compose(self):
                self.frames[frame["id"]] = self.unanswered[frame["id"]] = frame
                await client.send(frame)

    async def ask(self, type: str, **fields: Any) -> Frame:
        """Ask on whatever connection there is, until there is a final answer."""
        self._asked += 1
        id = f"ask-{self._asked}"
        while True:
            if self._client is not None:
                waiting = self._answers[id] = asyncio.get_running_loop().create_future()
                with contextlib.suppress(WebSocketException, asyncio.CancelledError, OSError):
                    await self._client.send({"type": type, "id": id, **fields})
                    answer = await waiting
                    if answer.get("retry") != "same_id":
                        return answer
            await asyncio.sleep(RETRY_S)

    # Taking note.

    def _take(self, frame: Frame) -> None:
        id = frame.get("id", "")
        if frame["type"] == "goodbye":
            self._goodbye(frame)
        elif "from" in frame:
            self._entry(frame)
        elif id in self._answers:
            self._answers.pop(id).set_result(frame)
        elif frame["type"] == "ack":
            self._ack(frame)
        elif frame["type"] == "error":
            self._error(frame)

    def _goodbye(self, frame: Frame) -> None:
        """The cursors that the hub says goodbye with are where the client stands."""
        self.goodbyes.append(frame)
        for box, seq in frame.get("cursors", {}).items():
            if self.cursors.get(box) != seq:
                self.faults.append(f"{self.name} stands at {self.cursors}, the hub says {frame}")

    def _welcome(self, frame: Frame) -> None:
        self.token = frame.get("token", self.token)
        boxes = frame["boxes"]
        for box in self.cursors.keys() - boxes.keys():
            del self.cursors[box]
        for box, state in boxes.items():
            if state.get("limited"):
                self.faults.append(f"{self.name}: the gap in {box} was too long")
            self.cursors.setdefault(box, state["seq"])

    def _entry(self, frame: Frame) -> None:
        box, seq, mine = frame["box"], frame["seq"], frame["from"] == self.name
        if mine and frame["type"] in ("join", "create"):
            self.cursors[box] = seq - 1
        self._see(box, seq, frame["id"], f"entry {frame['type']}")
        if mine and frame["type"] == "leave":
            self.cursors.pop(box, None)

    def _ack(self, ack: Frame) -> None:
        id = ack["id"]
        frame = self.unanswered.pop(id, None)
        if frame is None:
            self._same_answer(ack)
            return
        self.acks[id] = ack
        box, seq = ack["box"], ack["seq"]
        self.counts["replayed"] += ack.get("replayed", False)
        self.counts["unknown, resolved"] += id in self.doubtful
        # What is replayed happened before it was sent for the last time, which may be again.
        again = self._sent_again[id] > ack.get("replayed", False)
        if again and (frame["type"] != "message" or box != self.name):
            self.judged_anew.add(id)
        if ack.get("replayed"):
            if box in self.cursors and seq > self.cursors[box] and frame["type"] != "leave":
                self.faults.append(f"{self.name} was not told {box} {seq} before its replayed ack")
            if frame["type"] in ("join", "create"):
                self.cursors.setdefault(box, seq)  # it may be all that is known of the room
            return
        if frame["type"] in ("join", "create"):
            self.cursors[box] = seq - 1
        self._see(box, seq, id, "ack")
        if frame["type"] == "leave":
            self.cursors.pop(box, None)

    def _same_answer(self, ack: Frame) -> None:
        """Two answers to one frame, because it was asked again: they must agree."""
        first = self.acks.get(ack["id"])
        if first is None or (first["box"], first["seq"]) != (ack["box"], ack["seq"]):
            self.faults.append(f"{self.name} has {ack} beside {first}")

    def _error(self, frame: Frame) -> None:
        id = frame.get("id", "")
        if frame["retry"] == "same_id":
            self.counts[frame["code"]] += 1
            self.doubtful.add(id)
            self._again.add(id)
        elif frame["retry"] == "new_id" and id in self.frames and id not in self.acks:
            self.unanswered.pop(id, None)
            self.refused[id] = frame["code"]
        else:
            self.faults.append(f"{self.name} got {frame}")

    def _see(self, box: str, seq: int, id: str, how: str) -> None:
        cursor = self.cursors.get(box)
        if cursor is None or seq != cursor + 1:
            self.faults.append(f"{self.name} got {how} {id} as {box} {seq} after {cursor}")
        self.cursors[box] = seq
        self.seen.setdefault(box, {})[seq] = id


async def _next(client: Client) -> Frame:
    data = await client.socket.recv()
    frame: Frame = msgpack.unpackb(data) if isinstance(data, bytes) else orjson.loads(data)
    return frame
