"""What is done of an erasure once it is decided; each step may be repeated.

The account is closed in the store, which also lists it as being erased. Then its key is destroyed,
it leaves its rooms, and what was kept of it besides entries is deleted. Whatever is interrupted is
found in the list and done again from the beginning.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

from protocol.codec import MSGPACK
from protocol.errors import Code
from protocol.frames import Ack, Error, HubFrame, Leave, Role

from ..handlers.rooms import leave
from ..handlers.rooms_leading import command
from ..ledger.keys import AccountKeys
from ..ledger.lanes import OutLane
from ..regions.frames import Ask, Told
from ..store.connection import Command
from ..telling.envoy import Envoy

if TYPE_CHECKING:
    from ..services import Services

ARRIVAL_S = 5.0
"""How long one waits for what the account sent last to arrive in other partitions."""
LOOK_S = 0.1
TRIES = 5
"""Times that an owner is asked to give a room away: somebody may come in between."""
_OUT = (Code.NOT_A_MEMBER, Code.UNKNOWN_ROOM)


class Unfinished(Exception):
    """A step could not be done now; it is done again later."""


async def owned_with_others(services: Services, name: str) -> str | None:
    """A room that `name` owns and others are in, if there is one.

    Raises:
        Down, Lost, Refused: there is no store.
    """
    of = services.keyspace.of
    for room in await rooms_of(services, name):
        keys = of(room)
        channel = services.channel(keys.partition)
        role = await channel.request("HGET", keys.members, name)
        if not isinstance(role, bytes) or role.split()[0] != b"owner":
            continue
        members = await channel.request("HLEN", keys.members)
        if isinstance(members, int) and members > 1:
            return room
    return None


async def rooms_of(services: Services, name: str) -> list[str]:
    """The rooms that an account is in."""
    keys = services.keyspace.of(name)
    found: Any = await services.channel(keys.partition).request("SMEMBERS", keys.joined)
    return sorted(one.decode() for one in found)


async def leave_rooms(services: Services, name: str) -> None:
    """Leave all rooms; one that others came into meanwhile is given away before.

    Raises:
        Unfinished: some could not be left now.
        Down, Lost, Refused: there is no store.
    """
    keys = services.keyspace.of(name)
    for room in await rooms_of(services, name):
        if room in services.keyspace.abroad or await _is_copy(services, room):
            await _leave_abroad(services, name, room)
        else:
            await _leave(services, name, room)
        await services.channel(keys.partition).request("SREM", keys.joined, room)


async def delete_all(services: Services, name: str) -> None:
    """Delete what is kept of an account, but not its record, its entries and their marks.

    What it sent last is judged where it arrives by what the other thinks of it, so that must stay
    until then: else money for a friend would be a stranger's.

    Raises:
        Unfinished: some of that has not arrived.
        Down, Lost, Refused: there is no store.
    """
    keyspace, keys = services.keyspace, services.keyspace.of(name)
    channel = services.channel(keys.partition)
    contacts: Any = await channel.request("HKEYS", keys.contacts)
    people = [other for one in contacts if (other := one.decode())[:1] == "@"]
    for dest in sorted({keyspace.partition_of(other) for other in people} - {keys.partition}):
        await _all_arrived(services, keys, dest)
    for other in people:
        if not await _waits(services, name, other):
            for partition in {keys.partition, keyspace.partition_of(other)}:
                pair = keyspace.pair(partition, name, other)
                await services.channel(partition).request("DEL", pair)
    gone = keys.secret, keys.tokens, keys.profile, keys.refs, keys.offers, keys.contacts
    await channel.request("DEL", *gone)


# Private.


async def _all_arrived(services: Services, keys: AccountKeys, dest: int) -> None:
    """Wait until all that was sent to partition `dest` so far is settled."""
    lane = services.keyspace.lane_out(keys.partition, str(dest))

    async def look() -> OutLane:
        found: Any = await services.channel(keys.partition).request("GET", lane)
        try:
            return OutLane.parse(found)
        except ValueError as error:
            raise Unfinished(str(error)) from error

    out = await look()
    sent = out.sent
    try:
        async with asyncio.timeout(ARRIVAL_S):
            while out.done < sent:
                await asyncio.sleep(LOOK_S)
                out = await look()
    except TimeoutError:
        raise Unfinished(f"not all has arrived in partition {dest}") from None


async def _waits(services: Services, payer: str, payee: str) -> bool:
    """Whether money of `payer` waits for `payee`, whose decision it awaits."""
    keys = services.keyspace.of(payee)
    found: Any = await services.channel(keys.partition).request("HKEYS", keys.offers)
    return any(field.startswith(f"{payer}:".encode()) for field in found)


async def _is_copy(services: Services, room: str) -> bool:
    """Whether the room lives in another region, and only a copy of it here."""
    if services.world is None:
        return False
    channel = services.channel(services.keyspace.partition_of(room))
    found: Command = ("EXISTS", services.keyspace.origin(room))
    return await channel.request(*found) == 1


async def _leave(services: Services, name: str, room: str) -> None:
    for _ in range(TRIES):
        told = await _do(services, name, leave, Leave(_new_id(), room))
        if isinstance(told, Ack) or (isinstance(told, Error) and told.code in _OUT):
            return
        heir = await _heir(services, name, room)
        if not isinstance(told, Error) or told.code != Code.OWNER_STAYS or heir is None:
            break
        await _do(services, name, command, Role(_new_id(), room, heir, "owner"))
    raise Unfinished(f"{room} cannot be left now")


async def _do(services: Services, name: str, handler: Any, frame: Any) -> HubFrame:
    envoy = Envoy(services, services.keyspace.of(name))
    envoy.dispatch(handler, frame)
    return await envoy.answer


async def _heir(services: Services, name: str, room: str) -> str | None:
    """Who gets the room: an admin, else anybody who is in it."""
    keys = services.keyspace.of(room)
    found: Any = await services.channel(keys.partition).request("HGETALL", keys.members)
    others = {who.decode(): role for who, role in found.items() if who != name.encode()}
    here = [who for who in sorted(others) if who not in services.keyspace.abroad]
    admins = [who for who in here if others[who].split()[0] == b"admin"]
    return next(iter(admins or here), None)


async def _leave_abroad(services: Services, name: str, room: str) -> None:
    assert services.world is not None
    home = await services.world.directory.find(room)
    frame = MSGPACK.encode(Leave(_new_id(), room))
    reply = await services.world.links[home].ask(Ask(name, 0, frame))
    told = MSGPACK.decode_hub_frame(reply.frame) if isinstance(reply, Told) else None
    if not (isinstance(told, Ack) or (isinstance(told, Error) and told.code in _OUT)):
        raise Unfinished(f"{room} in region {home} cannot be left now")


def _new_id() -> str:
    """Nobody can have used it; who left before is not a member the second time."""
    return secrets.token_urlsafe(24)
