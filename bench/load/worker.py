"""The generator's process, started by `bench.load.driver`.

It holds one system's connections, between rounds too.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from dataclasses import asdict
from secrets import token_hex
from typing import Any

import uvloop

from .accounts import Account, each, hang_up, undisturbed
from .connection import Connection
from .crowd import Crowd
from .drain import seen_by
from .figures import figures
from .gate import check
from .lines import obey
from .plan import Plan
from .routes import Router
from .window import Window

CONNECTIONS_MAX = 18_000
"""What one process holds: the kernel gives it 20,000 files."""
JOIN_IN_TURN_MAX = 200
"""Up to so many members a room is joined by everyone while everyone is there."""
JOIN_AT_ONCE = 16


class Worker(Crowd):
    """A `Crowd` that also talks and pays."""

    async def join(self) -> None:
        """Bring all connections into one new room."""
        self._room = f"b{token_hex(4)}"
        members = [account for account in self._accounts if account.connection]
        aside = len(members) > JOIN_IN_TURN_MAX and self._dialect.resumes
        if aside:  # everyone's entry is told to all who are there: they had better not be
            await hang_up(self._connections())

        async def come(account: Account) -> None:
            await self._return(account, {})

        async def one(account: Account) -> None:
            if aside:
                await come(account)
            assert account.connection is not None
            await self._dialect.join(account.connection, self._room, account is members[0])
            if aside:
                account.connection.close()

        await one(members[0])
        await each(one, members[1:], JOIN_AT_ONCE)
        if aside:
            await each(come, members, JOIN_AT_ONCE)
        else:
            self._agree(members)

    def _agree(self, members: list[Account]) -> None:
        """Everyone saw everyone come in: the room's number is the same for all."""
        box = self._dialect.box("room", "", self._room)
        newest = max(account.cursors.get(box, 0) for account in members)
        for account in members:
            account.cursors[box] = newest

    async def load(self, **plan: Any) -> dict[str, object]:
        """A window of traffic (`bench.load.plan.Plan`), checked."""
        window = self._window(Plan(first=self._next_op, **plan))
        with undisturbed():
            await self._count_from_now(window)
            await window.run()
            self._next_op += len(window.sent_at)
            result = {**figures(window), "faults": asdict(check(window))}
        for connection in window.connections:
            connection.cursors.update(seen_by(connection, window, self._room))
        return result

    def _window(self, plan: Plan) -> Window:
        connections = self._connections()
        names = [connection.name for connection in connections]
        router = Router(
            self._dialect, names, self._room, plan.kinds, plan.to, plan.size, plan.first
        )
        return Window(connections, plan, router, self._revive)

    async def _count_from_now(self, window: Window) -> None:
        """Where acknowledgements count, what was sent before the window does not belong to it."""
        dialect = self._dialect
        if dialect.ack_counts and dialect.chaser is not None and dialect.ack is not None:
            for number in window.senders:
                await window.connections[number].ask(dialect.chaser, dialect.ack)

    async def _revive(self, window: Window, gone: Connection) -> Connection:
        """A stalled reader comes back where it was."""
        account = next(one for one in self._accounts if one.connection is gone)
        before, cursors = account.cursors, seen_by(gone, window, self._room)
        account.cursors = {**before}
        back = await self._return(account, cursors, gone)
        back.cursors = account.cursors = before  # all it saw is counted when the window is over
        return back

    async def balances(self) -> dict[str, int]:
        """What all who are connected have together, and the smallest sum that one of them can
        spend, in minor units."""
        sheets = [await self._dialect.balance(one) for one in self._connections()]
        return {"sum": sum(own for own, _ in sheets), "least": min(least for _, least in sheets)}


async def main(where: str, dialect: str, process: str = "0") -> None:
    """Entry of the process, the `process`-th of its generator; `where` is ``host:port``, or several
    of them with commas between."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    pairs = [address.rsplit(":", 1) for address in where.split(",")]
    addresses = [(host, int(port)) for host, port in pairs]
    worker = Worker(addresses, dialect, int(process) * CONNECTIONS_MAX)
    await obey(worker)
    worker.close()
    await asyncio.sleep(0.1)  # the closes are written in this loop's next turn


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
