"""The line mode for pipes: commands from stdin, one line per event on stdout, talk on stderr.

Each command waits for its answer before the next is read, so `/balance` after `/pay` shows the
result. The output is stable: words parted by one space, the free text last.

    message|edit|delete|react|pin|forward BOX SEQ FROM TO [ref=FROM:ID] [thread=FROM:ID]
        [expires=Ns] [gone=WHY] TEXT or EMOJI
    payment BOX SEQ FROM TO AMOUNT CURRENCY STATE [TEXT]      also deposit
    create|join|leave|invite|kick|ban|mute|role|topic BOX SEQ FROM ROOM [WHO] [ROLE] [for=Ns]
        [asks] [remove] [access=A] [slow=Ns] [TEXT]
    accept|decline|block|unblock|arrange BOX SEQ FROM [ROOM] WHO
    settled BOX SEQ FROM TO ID AMOUNT CURRENCY                the payment ID, which was accepted
    returned BOX SEQ FROM TO ID REASON [AMOUNT CURRENCY [suspended]]
    stored TYPE ID [BOX SEQ] [replayed] [accepted|waiting]
    refused TYPE ID CODE MESSAGE
    unknown TYPE ID
    balance AVAILABLE CURRENCY [(HELD CURRENCY held)]
    member ROOM NAME ROLE [muted=MS]
    conversation NAME STATE unread=N[+] [muted] [pinned] [archived] [waiting=AMOUNT]
    profile NAME [access=A] [members=N] [slow_s=N] [seen=MS] [TEXT]
    device ID SINCE SEEN [current] NAME
    found BOX SEQ FROM SNIPPET
    typing|presence FROM TO [STATE]
    link ROOM CODE
    more                                                      /more shows the next page

`accepted` means that the money has left and is on its way, `waiting` that the payee has not
accepted the payer yet; `settled` or `returned` follows, perhaps in a later run. What was returned
did not arrive: REASON is an error's code, AMOUNT is back, or kept by the operator if `suspended`
follows.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TextIO

from . import commands, events, safe
from .client import Client, LinkError, RefusedError
from .commands import Command, CommandError, Context, manual
from .events import Event, Frame
from .exporting import export
from .model import Connection
from .questions import QUESTIONS, next_page
from .told import answer_lines, entry_line
from .wallet import show

_SCREEN_ONLY = "is for the screen; here each text names where it goes: @bob TEXT, #room TEXT"


class Plain:
    """Runs one client from `lines` to the end of input, or until it is stopped."""

    def __init__(self, client: Client, out: TextIO, err: TextIO) -> None:
        self._client = client
        self._out = out
        self._err = err
        self._refused = False
        self._mine: set[str] = set()
        """Frames that were typed. The client posts others by itself: nobody need hear of them."""
        self._next: Frame | None = None
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
                command = commands.parse(line, self._here())
                if command.row.screen:
                    raise CommandError(f"/{command.name} {_SCREEN_ONLY}")
                await self._do(command)
            except CommandError as error:
                self._refuse(f"refused line - invalid {error}")
                continue
            if model.logged_out or command.name == "quit":
                return

    def _here(self) -> Context:
        model = self._client.model
        return Context(
            currency=model.wallet.currency,
            me=model.me,
            lines=lambda name: model.conversation(name).lines,
        )

    async def _do(self, command: Command) -> None:
        frame = command.frame
        if frame is None:
            await self._do_here(command)
        elif "state" in frame:
            self._client.notice(frame)
        else:
            await self._post(frame)
        if command.name == "balance":
            self._balances()
        if command.name == "link" and frame is not None:
            self._print(f"link {frame['room']} {frame['code']}")

    async def _post(self, frame: Frame) -> None:
        id = self._client.post(frame)
        self._mine.add(id)
        await self._client.answered(id)

    async def _do_here(self, command: Command) -> None:
        match command.name:
            case "help":
                self._say(manual.plain())
            case "more" if self._next is not None:
                await self._post(self._next)
            case "more":
                raise CommandError("there is no more")
            case "pins":
                self._pins(command.values["place"])
            case "edit":
                raise CommandError(command.row.lesson)
            case "export":
                await self._export(Path(command.values["folder"]))
            case "erase":
                await self._erase(command)

    def _pins(self, place: str) -> None:
        for line in self._client.model.conversation(place).lines:
            if line.view is not None and line.view.pinned:
                told = entry_line(dict(line.view.entry))
                self._print(f"pinned {told}")

    async def _export(self, folder: Path) -> None:
        try:
            paths = await export(self._client, folder)
        except (RefusedError, LinkError, OSError) as error:
            raise CommandError(f"export: {error}") from None
        for path in paths:
            self._print(f"written {path}")

    async def _erase(self, command: Command) -> None:
        """To be asked twice means here to name oneself: nobody does that by mistake."""
        me, password = self._client.model.me, command.values.get("password")
        if command.values.get("who") != me or not password:
            raise CommandError(f"to close the account for ever, write: /erase {me} PASSWORD")
        await self._post({"type": "erase", "password": password})

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
            case events.Noticed(notice) if notice["type"] in ("typing", "presence"):
                words = (notice[name] for name in ("type", "from", "to", "state") if name in notice)
                self._print(" ".join(words))
            case events.Stored(frame, ack) if self._is_told(frame):
                self._stored(frame, ack)
            case events.Refused(frame, code, message) if frame["id"] in self._mine:
                self._refuse(f"refused {frame['type']} {frame['id']} {code} {message}")
            case events.Unknown(frame) if self._is_told(frame):
                self._print(f"unknown {frame['type']} {frame['id']}")
            case events.Answered(question, answer) if question["id"] in self._mine:
                self._next = next_page(question, answer)
                for line in answer_lines(answer):
                    self._print(line)

    def _is_told(self, frame: Frame) -> bool:
        """Whether somebody typed it, and it is no question."""
        return frame["id"] in self._mine and frame["type"] not in (*QUESTIONS, "balance", "logout")

    def _entry(self, entry: Frame) -> None:
        line = entry_line(entry)
        self._refused |= entry["type"] == "returned"
        if line is not None:
            self._print(line)

    def _stored(self, frame: Frame, ack: Frame) -> None:
        words = ["stored", frame["type"], frame["id"]]
        if "seq" in ack and "box" in ack:
            words += [ack["box"], str(ack["seq"])]
        words += ["replayed"] * ack.get("replayed", False)
        words += ["asks"] * ack.get("asks", False)
        words += [state for state in ("accepted", "waiting") if ack.get("state") == state]
        self._print(" ".join(words))

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
