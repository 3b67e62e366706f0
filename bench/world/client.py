"""One account on one hub, as a client that comes back by itself."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from time import monotonic_ns
from typing import Any
from urllib.parse import urlsplit

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from bench.load.dialects.base import CURRENCY, PASSWORD

from .netns import inside
from .ops import Book, Op

AGAIN_SECONDS = 0.1
"""Between two attempts to come back, or to send again what the hub could not take now."""
ANSWER_SECONDS = 30
TEXT = "x" * 100
SUBPROTOCOL = Subprotocol("teller.v1.json")

Frame = dict[str, Any]


class Client:
    """It sends operations and notes what comes of them; where its connection breaks, it resumes
    by its cursors and sends again, with the same id, what was not answered."""

    def __init__(
        self, name: str, region: str, url: str, book: Book, namespace: str | None = None
    ) -> None:
        """It dials from `namespace`, a file (`netns.inside`), if that is not ours."""
        self.name, self.region = name, region
        self._url, self._book, self._namespace = url, book, namespace
        self._line: ClientConnection | None = None
        self._token = ""
        self._cursors: dict[str, int] = {}
        self._unanswered: dict[str, bytes] = {}
        self._asked: dict[str, asyncio.Future[Frame]] = {}
        self._tasks: set[asyncio.Future[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self.resumed = 0
        """How often it came back."""

    async def enter(self) -> None:
        """Register, and stay."""
        self._line = await self._dial()
        await self._line.send(
            orjson.dumps(
                {"type": "register", "id": "enter", "handle": self.name, "password": PASSWORD}
            ).decode()
        )
        welcome = orjson.loads(await self._line.recv())
        if welcome["type"] != "welcome":
            raise OSError(f"{self._url} does not let {self.name} in: {welcome}")
        self._welcomed(welcome)
        self._token = welcome["token"]
        self._task = asyncio.create_task(self._stay())

    async def leave(self) -> None:
        """Hang up."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._line is not None:
            await self._line.close()

    async def do(self, op: Op) -> None:
        """Send an operation, now or when there is a connection again."""
        id = f"w{op.number:09d}"
        frame: Frame = {"type": op.kind, "id": id, "to": f"@{op.to}"}
        if op.kind == "payment":
            frame |= {"amount": 1, "currency": CURRENCY}
        else:
            frame["text"] = TEXT
        self._book.ops[id] = op
        self._unanswered[id] = orjson.dumps(frame)
        await self._send(self._unanswered[id])

    async def balance(self) -> int:
        """What the account can spend, in minor units."""
        id = f"q{monotonic_ns()}"
        answer = self._asked[id] = asyncio.get_running_loop().create_future()
        await self._send(orjson.dumps({"type": "balance", "id": id}))
        async with asyncio.timeout(ANSWER_SECONDS):
            sheet = await answer
        available: int = sheet["balances"].get(CURRENCY, {}).get("available", 0)
        return available

    async def _dial(self) -> ClientConnection:
        sock = socket.socket() if self._namespace is None else _socket_in(self._namespace)
        try:
            sock.setblocking(False)
            parts = urlsplit(self._url)
            await asyncio.get_running_loop().sock_connect(sock, (parts.hostname, parts.port))
        except BaseException:
            sock.close()
            raise
        return await connect(
            self._url, sock=sock, subprotocols=[SUBPROTOCOL], compression=None, proxy=None
        )

    async def _stay(self) -> None:
        while True:
            with suppress(OSError, WebSocketException, TimeoutError):
                if self._line is None:
                    await self._resume()
                assert self._line is not None
                async for payload in self._line:
                    self._got(orjson.loads(payload), monotonic_ns())
            self._line = None
            await asyncio.sleep(AGAIN_SECONDS)

    async def _resume(self) -> None:
        line = await self._dial()
        hello = {"type": "hello", "id": "back", "token": self._token, "cursors": self._cursors}
        await line.send(orjson.dumps(hello).decode())
        welcome = orjson.loads(await line.recv())
        if welcome["type"] != "welcome":
            await line.close()
            raise OSError(f"{self.name} cannot come back: {welcome}")
        self.resumed += 1
        self._line = line
        for id, frame in list(self._unanswered.items()):
            self._book.ops[id].again = True
            await line.send(frame.decode())

    def _welcomed(self, welcome: Frame) -> None:
        self._cursors = {box: state["seq"] for box, state in welcome["boxes"].items()}

    async def _send(self, frame: bytes) -> None:
        if self._line is not None:
            with suppress(WebSocketException):  # it is sent again after the resume
                await self._line.send(frame.decode())

    def _got(self, frame: Frame, now: int) -> None:
        """A frame of the hub."""
        kind, id = frame["type"], frame.get("id", "")
        if "box" in frame and kind != "ack":
            self._cursors[frame["box"]] = frame["seq"]
        if kind == "ack":
            self._unanswered.pop(id, None)
            self._book.acked(id, now, frame.get("state", ""))
        elif kind in ("message", "payment"):
            self._entry(frame, now)
        elif kind in ("settled", "returned"):
            self._book.closed(id, kind, now)
        elif kind == "error":
            self._refused(id, frame)
        elif id in self._asked:
            self._asked.pop(id).set_result(frame)

    def _entry(self, frame: Frame, now: int) -> None:
        sender = frame["from"].removeprefix("@")
        if sender == self.name:  # our own, after a resume
            return
        self._book.delivered(frame["id"], sender, self.name, now)

    def _refused(self, id: str, frame: Frame) -> None:
        again = self._unanswered.get(id)
        if again is None or frame["retry"] != "same_id":
            self._unanswered.pop(id, None)
            self._book.refused(id, frame["code"])
            return
        self._book.ops[id].again = True
        asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._retry, id)

    def _retry(self, id: str) -> None:
        if id in self._unanswered:
            task = asyncio.ensure_future(self._send(self._unanswered[id]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


def _socket_in(namespace: str) -> socket.socket:
    with inside(namespace):
        return socket.socket()
