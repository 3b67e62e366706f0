"""Who comes and goes: accounts are opened, connections are dropped, and all come back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from secrets import token_hex
from time import monotonic_ns

from .accounts import Account, Storm, each, hang_up, until
from .connection import Connection
from .dial import Address, dial, source_of
from .dialects import DIALECTS
from .dialects.base import BLANK, ID_DIGITS
from .drain import LATE_SECONDS
from .gate import Faults, check_deliveries

TOLD_SECONDS = 60.0
"""How long it may take until those who came online together know of each other."""
MISSED_SECONDS = 15.0
"""How long missed entries may take after the last one is back."""


class Crowd:
    """The accounts at one system, and their connections. Each public coroutine is a command of the
    generator: it takes what the line holds and returns what is answered."""

    def __init__(self, addresses: Sequence[Address], dialect: str, offset: int = 0) -> None:
        """`addresses`: where the accounts dial, in turn; `offset`: how many connections earlier
        processes may hold."""
        self._addresses, self._offset = list(addresses), offset
        self._dialect = DIALECTS[dialect]
        self._accounts: list[Account] = []
        self._room = ""
        self._next_op = 1

    async def enter(
        self,
        number: int = 0,
        names: Sequence[str] = (),
        keep: bool = True,
        at_once: int = 16,
        paired: bool = False,
    ) -> dict[str, list[str]]:
        """Open `number` accounts, of names that no earlier run used, or those of these `names`;
        keep the connections, or only what is needed to come back. With several addresses the
        accounts dial them in turn, or with `paired` two and two."""
        first, together = self._offset + len(self._accounts), 2 if paired else 1
        prefix = f"b{token_hex(4)}_"
        names = names or [f"{prefix}{n:05d}" for n in range(number)]
        new = [Account(name, n, at=n // together) for n, name in enumerate(names, first)]

        async def one(account: Account) -> None:
            connection = await self._dial(account)
            account.token = await self._dialect.enter(connection)
            if keep:
                account.connection = connection
            else:
                connection.close()

        await each(one, new, at_once)
        self._accounts += new
        return {"names": [account.name for account in new]}

    async def drop(self, messages: int = 0, size: int = 100) -> dict[str, int]:
        """Cut all connections at once; then one of them writes `messages` to the others in turn,
        which are not there, and goes as well."""
        *others, last = [account for account in self._accounts if account.connection]
        await hang_up([one.connection for one in others if one.connection])
        for number in range(messages):
            await self._write(last, others[number % len(others)], size)
        await hang_up([last.connection] if last.connection else [])
        for account in (*others, last):
            account.connection = None
        return {"sent": messages}

    async def _write(self, writer: Account, to: Account, size: int) -> None:
        connection, dialect = writer.connection, self._dialect
        if dialect.ack is None or not dialect.resumes or connection is None:
            raise ValueError(f"{dialect.name} keeps nothing for those who are away")
        payload = dialect.operation("message", writer.name, to.name, size)
        id = b"%0*d" % (ID_DIGITS, self._next_op)
        await connection.ask(payload.replace(BLANK.encode(), id), dialect.ack)
        to.missed[self._next_op] = writer.number
        self._next_op += 1
        writer.cursors[dialect.box("message", writer.name, self._room)] += 1

    async def resume(self, at_once: int = 256, cursors: bool = True) -> dict[str, object]:
        """All who are away come back, and get what they missed if they say where they were."""
        away = [account for account in self._accounts if account.connection is None]
        storm, faults, missed = Storm(), Faults(), 0

        async def one(account: Account) -> None:
            await self._return(account, {**account.cursors} if cursors else {})

        await storm.play(one, away, at_once)
        if cursors:
            await until(lambda: not any(map(_waits, away)), MISSED_SECONDS)
        await asyncio.sleep(LATE_SECONDS)
        for account in away:
            if cursors and account.connection:
                missed += len(account.connection.deliveries)
                got = account.connection.deliveries.ops()
                faults += check_deliveries(account.missed, got)
            account.missed = {}
        told = {**asdict(faults), "refused": len(storm.refused)}
        return {**storm.figures(), "missed": missed, "faults": told}

    async def storm(
        self, number: int, tokens: bool = True, at_once: int = 256
    ) -> dict[str, object]:
        """So many of the accounts come in at once and stay until the last one is in. Without
        `tokens` nobody needs to be known: it is only the WebSocket handshake."""
        who = self._accounts[:number] if tokens else _strangers(number, self._offset)
        if len(who) < number:
            raise ValueError(f"{len(who)} accounts are known here, not {number}")
        storm, came = Storm(), list[Connection]()

        async def one(account: Account) -> None:
            stranger = Account(account.name, account.number)
            came.append(connection := await self._dial(stranger))
            if tokens:
                await self._dialect.resume(connection, account.token, {})

        await storm.play(one, who, at_once)
        await hang_up(came)
        return storm.figures()

    async def flock(self, friends: int, at_once: int = 256) -> dict[str, object]:
        """All come in at once, and each watches the next so many; they stay until `drop`. `knew`:
        of how many of these each was told that they are there, all together, in the end."""
        storm, number, begun = Storm(), len(self._accounts), monotonic_ns()
        friends = min(friends, number - 1)

        async def one(account: Account) -> None:
            connection = await self._return(account, {})
            others = range(account.number + 1, account.number + 1 + friends)
            names = [self._accounts[(n - self._offset) % number].name for n in others]
            connection.online |= await self._dialect.watch(connection, names)

        def knew() -> int:
            return sum(len(one.online) for one in self._connections())

        await storm.play(one, self._accounts, at_once)
        await until(lambda: knew() >= number * friends, TOLD_SECONDS)
        told = (monotonic_ns() - begun) / 1e9
        return {**storm.figures(), "knew": knew(), "told_seconds": told}

    def close(self) -> None:
        """Hang up everywhere."""
        for connection in self._connections():
            connection.close()

    def _connections(self) -> list[Connection]:
        return [account.connection for account in self._accounts if account.connection]

    async def _dial(self, account: Account) -> Connection:
        host, port = self._addresses[account.at % len(self._addresses)]
        source = source_of(account.number, host)
        connection = await dial(self._dialect, host, port, account.name, source)
        connection.cursors = account.cursors
        return connection

    async def _return(
        self, account: Account, cursors: dict[str, int], gone: Connection | None = None
    ) -> Connection:
        connection = await self._dial(account)
        if gone is not None:
            connection.continues(gone)
            connection.cursors = account.cursors
        try:
            await self._dialect.resume(connection, account.token, cursors)
        except BaseException:
            connection.close()
            raise
        account.connection = connection
        return connection


def _waits(account: Account) -> bool:
    """Whether something that it missed has not come yet."""
    return account.connection is not None and len(account.connection.deliveries) < len(
        account.missed
    )


def _strangers(number: int, offset: int) -> list[Account]:
    return [Account(f"nobody_{n}", offset + n) for n in range(number)]
