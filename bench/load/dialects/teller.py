"""Teller's own protocol in its two encodings (docs/protocol.md)."""

from __future__ import annotations

import re
from abc import abstractmethod
from itertools import count
from typing import Any

import msgpack
import orjson

from .base import BLANK, CURRENCY, ID_DIGITS, PASSWORD, Dialect, Line

Frame = dict[str, Any]

PAGE = 200
"""Entries of one `history`: the most that the protocol allows."""

SETUP = "set-"
"""How ids begin that are no operation's."""

_numbers = count(1)


class Teller(Dialect):
    """What both encodings share. Maps are written in the order of their fields, tag and id first,
    by the hub as well; the patterns rely on it."""

    resumes = True
    answer: re.Pattern[bytes]
    """Finds what answers a request of the set-up; there is one at a time on a line."""

    def __init__(self) -> None:
        digits = rb"\d{%d}" % ID_DIGITS
        self.ack = self.pattern(b"ack", digits)
        self.delivery = self.pattern(b"[mp][a-z]+", digits)
        self.settlement = self.pattern(b"settled", digits)
        self.answer = self.pattern(b"[a-z]+", SETUP.encode() + rb"\d+")

    @abstractmethod
    def encode(self, frame: Frame) -> bytes:
        """A frame as one WebSocket message."""

    @abstractmethod
    def decode(self, payload: bytes) -> Frame:
        """The opposite."""

    @abstractmethod
    def pattern(self, types: bytes, id: bytes) -> re.Pattern[bytes]:
        """Finds a frame of one of `types` with an id like `id`; both are patterns."""

    async def enter(self, line: Line) -> str:
        """Register."""
        welcome = await self._ask(line, "register", handle=line.name, password=PASSWORD)
        line.cursors.update({box: state["seq"] for box, state in welcome.get("boxes", {}).items()})
        return str(welcome.get("token", ""))

    async def resume(self, line: Line, token: str, cursors: dict[str, int]) -> int:
        """One round trip with `hello`, and `history` where the gap was too long for it."""
        if not token:  # a relay, which keeps no accounts
            return await super().resume(line, token, cursors)
        welcome = await self._ask(
            line, "hello", token=token, **({"cursors": cursors} if cursors else {})
        )
        missed = 0
        for box, state in welcome["boxes"].items():
            seen = cursors.get(box, state["seq"])
            missed += state["seq"] - seen
            line.cursors[box] = state["seq"]
            if state.get("limited"):
                await self._fetch(line, box, seen, state["first"])
        return missed

    async def _fetch(self, line: Line, box: str, seen: int, first: int) -> None:
        """Read what lies between the cursor and the first entry that the hub sent by itself."""
        while first > seen + 1:
            page = await self._ask(
                line, "history", box=box, before=first, limit=min(PAGE, first - seen - 1)
            )
            entries = page["entries"]
            line.recover([one["id"].encode() for one in entries if len(one["id"]) == ID_DIGITS])
            first = entries[0]["seq"]

    async def join(self, line: Line, room: str, first: bool) -> None:
        """`create` for the first one, who is then its owner; `join` for the others."""
        ack = await self._ask(line, "create" if first else "join", room=f"#{room}")
        line.cursors[f"#{room}"] = ack.get("seq", 0)

    async def watch(self, line: Line, names: list[str]) -> set[bytes]:
        """By the frame of that name."""
        report = await self._ask(line, "watch", who=[f"@{name}" for name in names])
        return {name.encode() for name in report["online"]}

    def box(self, kind: str, name: str, room: str) -> str:
        """The room's own for what is said in it, else the account's."""
        return f"#{room}" if kind == "room" else f"@{name}"

    async def balance(self, line: Line) -> tuple[int, int]:
        """By the frame of that name."""
        sheet = (await self._ask(line, "balance"))["balances"].get(CURRENCY, {})
        available = sheet.get("available", 0)
        return available + sheet.get("held", 0), available

    def operation(self, kind: str, name: str, to: str, size: int) -> bytes:
        """A `message` or a `payment` of one minor unit; the hub knows the sender."""
        del name
        if kind == "payment":
            frame: Frame = {"to": f"@{to}", "amount": 1, "currency": CURRENCY}
            return self.encode({"type": "payment", "id": BLANK, **frame})
        receiver = f"#{to}" if kind == "room" else f"@{to}"
        return self.encode({"type": "message", "id": BLANK, "to": receiver, "text": "x" * size})

    def turned_away(self, refusal: bytes) -> int | None:
        """`busy` is said of an operation that was not done and may be sent again."""
        frame = self.decode(refusal)
        id = frame.get("id", "")
        return int(id) if frame.get("code") == "busy" and id.isdigit() else None

    async def _ask(self, line: Line, type: str, **fields: object) -> Frame:
        frame = self.encode({"type": type, "id": f"{SETUP}{next(_numbers)}", **fields})
        return self.decode(await line.ask(frame, self.answer))


class Json(Teller):
    """Text frames."""

    name = "json"
    subprotocol = "teller.v1.json"
    refusal = re.compile(rb'^\{"type":"(?:error|goodbye|returned)"')
    arrival = re.compile(rb'^\{"type":"presence","from":"(@[^"]+)".*"state":"online"')
    accepted = b'"state":"accepted"'

    def encode(self, frame: Frame) -> bytes:
        return orjson.dumps(frame)

    def decode(self, payload: bytes) -> Frame:
        frame: Frame = orjson.loads(payload)
        return frame

    def pattern(self, types: bytes, id: bytes) -> re.Pattern[bytes]:
        # The brace comes first because it is rare: the search for it is a plain byte search.
        return re.compile(rb'\{"type":"%b","id":"(%b)"' % (types, id))


class MessagePack(Teller):
    """Binary frames."""

    name = "msgpack"
    subprotocol = "teller.v1.msgpack"
    opcode = 2
    refusal = re.compile(rb"^.\xa4type(?:\xa5error|\xa7goodbye|\xa8returned)", re.DOTALL)
    arrival = re.compile(
        rb"^.\xa4type\xa8presence\xa4from.{1,2}(@[a-z0-9_]+).*\xa5state\xa6online", re.DOTALL
    )
    accepted = b"\xa5state\xa8accepted"

    def encode(self, frame: Frame) -> bytes:
        packed: bytes = msgpack.packb(frame)
        return packed

    def decode(self, payload: bytes) -> Frame:
        frame: Frame = msgpack.unpackb(payload)
        return frame

    def pattern(self, types: bytes, id: bytes) -> re.Pattern[bytes]:
        return re.compile(rb"\xa4type.%b\xa2id.(%b)" % (types, id), re.DOTALL)
