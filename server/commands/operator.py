"""What the operator does goes through the hub, as frames, like everything else.

The operator logs in with the token that the hub keeps in its data directory. A deposit is then one
more frame: same pipeline, same idempotency, and the receiver sees it at once.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from pathlib import Path

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from protocol.codec import JSON
from protocol.frames import (
    HANDLE_PATTERN,
    Ack,
    ClientFrame,
    Deposit,
    Error,
    Freeze,
    Hello,
    HubFrame,
    Suspend,
    Welcome,
)
from protocol.money import MoneyError, format_money, parse_money

TRIES = 5


def deposit(
    url: str, data: Path, account: str, money: str, text: str | None, id: str | None
) -> int:
    """Put `money` into `account`; prints what happened, returns the exit code."""
    if not re.fullmatch(f"@{HANDLE_PATTERN}", account):
        return _complain(f"{account!r} is not a person; write it like @alice")
    try:
        amount, currency = parse_money(money)
    except MoneyError as error:
        return _complain(str(error))
    fields = {} if text is None else {"text": text}
    frame = Deposit(id or new_id(), account, amount, currency, **fields)
    ack = asyncio.run(_ask(url, data, frame))
    if isinstance(ack, str):
        return _complain(ack)
    again = " (it had happened before)" if ack.replayed else ""
    print(f"{format_money(amount, currency)} is in {account}{again}; entry {ack.seq} of {ack.box}")
    return 0


def freeze(url: str, data: Path, account: str, frozen: bool) -> int:
    """Freeze `account`, or lift the freeze."""
    return _flag(url, data, account, Freeze(new_id(), account, frozen), "frozen", frozen)


def suspend(url: str, data: Path, account: str, suspended: bool) -> int:
    """Lock `account` out, or let it in again."""
    return _flag(url, data, account, Suspend(new_id(), account, suspended), "suspended", suspended)


def _flag(
    url: str, data: Path, account: str, frame: Freeze | Suspend, how: str, is_so: bool
) -> int:
    if not re.fullmatch(f"@{HANDLE_PATTERN}", account):
        return _complain(f"{account!r} is not a person; write it like @alice")
    ack = asyncio.run(_ask(url, data, frame))
    if isinstance(ack, str):
        return _complain(ack)
    print(f"{account} is {how if is_so else f'not {how} any more'}")
    return 0


def new_id() -> str:
    """A UUIDv7: time first, then random."""
    ms = int(time.time() * 1000).to_bytes(6, "big").hex()
    rest = os.urandom(10).hex()
    return f"{ms[:8]}-{ms[8:]}-7{rest[:3]}-{'89ab'[int(rest[3], 16) & 3]}{rest[4:7]}-{rest[7:19]}"


def _complain(message: str) -> int:
    print(f"teller: {message}", file=sys.stderr)
    return 1


async def _ask(url: str, data: Path, frame: ClientFrame) -> Ack | str:
    """The ack of `frame`, or what went wrong. A lost answer is asked for again, by the same id."""
    path = data / "operator.token"
    try:
        token = path.read_text().strip()
    except OSError:
        return f"there is no operator's token at {path}; is --data the hub's data directory?"
    problem = ""
    for attempt in range(TRIES):
        if attempt:
            await asyncio.sleep(0.2 * 2**attempt)
        try:
            async with connect(url, subprotocols=[JSON.subprotocol]) as socket:  # type: ignore[list-item]
                welcome = await _answer(socket, Hello("operator", token))
                if not isinstance(welcome, Welcome):
                    return _sentence(welcome)
                answer = await _answer(socket, frame)
        except (OSError, WebSocketException, TimeoutError) as error:
            problem = f"no hub answers at {url}: {error or repr(error)}"
            continue
        if isinstance(answer, Ack):
            return answer
        problem = _sentence(answer)
        if not isinstance(answer, Error) or answer.retry != "same_id":
            break
    return problem


async def _answer(socket: ClientConnection, frame: ClientFrame) -> HubFrame:
    await socket.send(JSON.encode(frame).decode())
    async with asyncio.timeout(10):
        while True:
            data = await socket.recv()
            answer = JSON.decode_hub_frame(data.encode() if isinstance(data, str) else data)
            if getattr(answer, "id", None) == frame.id:  # type: ignore[attr-defined]
                return answer


def _sentence(answer: HubFrame) -> str:
    if isinstance(answer, Error):
        details = f" {orjson.dumps(answer.details).decode()}" if answer.details else ""
        return f"refused: {answer.message} ({answer.code}){details}"
    return f"an unexpected answer came: {type(answer).__name__}"
