"""The line mode for pipes: commands from stdin, one line per event on stdout, talk on stderr.

Each command waits for its answer before the next is read, so `/balance` after `/pay` shows the
result. The output is stable: words parted by one space, the free text last.

    message BOX SEQ FROM TO TEXT
    payment BOX SEQ FROM TO AMOUNT CURRENCY STATE [TEXT]      also deposit
    create|join|leave BOX SEQ FROM ROOM
    settled BOX SEQ FROM TO ID AMOUNT CURRENCY                the payment ID, which was accepted
    returned BOX SEQ FROM TO ID REASON [AMOUNT CURRENCY [suspended]]
    stored TYPE ID [BOX SEQ] [replayed] [accepted]
    refused TYPE ID CODE MESSAGE
    unknown TYPE ID
    balance AVAILABLE CURRENCY [(HELD CURRENCY held)]
    member ROOM NAME ROLE

`accepted` means that the money has left and is on its way; `settled` or `returned` follows, perhaps
in a later run. What was returned did not arrive: REASON is an error's code, AMOUNT is back, or kept
by the operator if `suspended` follows.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator
from typing import TextIO

from . import commands, events, safe
from .client import Client
from .commands import CommandError
from .endings import ENDINGS
from .events import Event, Frame
from .model import Connection
from .wallet import show

_OWN = ("message", "payment", "create", "join", "leave")
_SCREEN_ONLY = "is for the screen; here each text names where it goes: @bob TEXT, #room TEXT"

HELP = """\
@bob TEXT                  say something to a person
#room TEXT                 say something in a room
/pay @bob 5.00 coffee      pay, without a question; or: 5.00 EUR coffee
/join #room  /create #room enter, or make, a room
/leave #room /members #room
/balance     /help  /quit
/logout                    quit, and forget the kept login"""


class Plain:
    """Runs one client from `lines` to the end of input, or until it is stopped."""

    def __init__(self, client: Client, out: TextIO, err: TextIO) -> None:
        self._client = client
        self._out = out
        self._err = err
        self._refused = False
        client.listen(self._tell)

    async def run(self, lines: AsyncIterator[str]) -> int:
        """Exit code: 0, 1 if anything was refused or returned, 2 if the link stopped early."""
        running = asyncio.create_task(self._client.link.run())
        feeding = asyncio.create_task(self._feed(lines))
        await asyncio.wait({running, feeding}, return_when=asyncio.FIRST_COMPLETED)
        if running.done() and not self._client.model.logged_out:
            feeding.cancel()
            self._say(f"stopped: {running.result().reason}")
            return 2
        await self._client.link.close()
        await running
        await feeding
        return 1 if self._refused else 0

    async def _feed(self, lines: AsyncIterator[str]) -> None:
        model = self._client.model
        await self._client.until(lambda: model.connection is Connection.CONNECTED, seconds=None)
        async for line in lines:
            if not line.strip():
                continue
            try:
                command = commands.parse(line, None, model.wallet.currency)
            except CommandError as error:
                self._refuse(f"refused line - invalid {error}")
                continue
            if command == commands.Simple("quit"):
                return
            await self._do(command)
            if model.logged_out:
                return

    async def _do(self, command: commands.Command) -> None:
        if isinstance(command, commands.Simple):
            await self._do_simple(command.kind)
        elif isinstance(command, commands.Open):
            self._refuse(f"refused line - invalid /open {_SCREEN_ONLY}")
        else:
            await self._client.answered(self._client.post(commands.to_frame(command)))

    async def _do_simple(self, kind: str) -> None:
        match kind:
            case "balance":
                await self._client.answered(self._client.post({"type": "balance"}))
                self._balances()
            case "logout":
                await self._client.answered(self._client.post({"type": "logout"}))
            case "close":
                self._refuse(f"refused line - invalid /close {_SCREEN_ONLY}")
            case "help":
                self._say(HELP)

    def _tell(self, event: Event) -> None:
        match event:
            case events.Connected(me, resumed=resumed):
                self._say(f"{'resumed' if resumed else 'connected'} as {me}")
            case events.Disconnected(reason, retry_in):
                self._say(f"disconnected: {reason}; again in {retry_in:.1f} s")
            case events.Trouble(code, message):
                self._say(f"{code}: {message}")
            case events.EntryCame(entry):
                self._entry(entry)
            case events.Stored(frame, ack) if frame["type"] in _OWN:
                self._stored(frame, ack)
            case events.Refused(frame, code, message):
                self._refuse(f"refused {frame['type']} {frame['id']} {code} {message}")
            case events.Unknown(frame) if frame["type"] in _OWN:
                self._print(f"unknown {frame['type']} {frame['id']}")
            case events.MembersCame(room, members, _):
                for member in members:
                    self._print(f"member {room} {member['who']} {member['role']}")

    def _entry(self, entry: Frame) -> None:
        kind = entry["type"]
        head = f"{kind} {entry['box']} {entry['seq']} {entry['from']}"
        if kind == "message":
            self._print(f"{head} {entry['to']} {entry['text']}")
        elif kind in ("payment", "deposit"):
            amount = show(entry["amount"], entry["currency"])
            words = [head, entry["to"], amount, entry["state"], entry.get("text", "")]
            self._print(" ".join(word for word in words if word))
        elif kind in ("create", "join", "leave"):
            self._print(f"{head} {entry['room']}")
        elif kind in ENDINGS:
            self._ending(head, entry)

    def _ending(self, head: str, entry: Frame) -> None:
        words = [head, entry["to"], entry["id"]]
        if entry["type"] == "returned":
            self._refused = True
            words.append(entry["reason"])
        if "amount" in entry:
            words.append(show(entry["amount"], entry["currency"]))
        self._print(" ".join(words + ["suspended"] * entry.get("suspended", False)))

    def _stored(self, frame: Frame, ack: Frame) -> None:
        words = ["stored", frame["type"], frame["id"]]
        if "seq" in ack and "box" in ack:
            words += [ack["box"], str(ack["seq"])]
        words += ["replayed"] * ack.get("replayed", False)
        self._print(" ".join(words + ["accepted"] * (ack.get("state") == "accepted")))

    def _balances(self) -> None:
        for line in self._client.model.wallet.lines(show):
            self._print(f"balance {line}")

    def _refuse(self, line: str) -> None:
        self._refused = True
        self._print(line)

    def _print(self, line: str) -> None:
        print(safe.one_line(line), file=self._out, flush=True)

    def _say(self, text: str) -> None:
        print(safe.lines(text), file=self._err, flush=True)


async def stdin_lines() -> AsyncIterator[str]:
    """Lines of standard input, read in a thread, because it may be a file, a pipe or a terminal."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop ended before the input did
            for line in sys.stdin:
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, "")

    threading.Thread(target=read, daemon=True).start()
    while line := await lines.get():
        yield line
