"""Rooms of other regions: joined, left, and asked who is in them.

These happen where the room lives, so the hub there is asked, over the link, on behalf of the
account: it posts the frame as it would for one of its own, and the leg to the account's partition
crosses the regions. Everything else about such a room needs no answer from there: history is read
from the copy, words leave by the outbox.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import structlog
from msgspec import UNSET
from msgspec.structs import replace

from protocol.codec import MSGPACK
from protocol.errors import Code, FrameError
from protocol.frames import (
    Ack,
    Join,
    Leave,
    Members,
    Status,
    StatusReport,
)

from ..handlers.posting import draft, take_turn
from ..handlers.reading import status
from ..handlers.rooms import list_members
from ..ledger import routing_rooms
from ..ledger.keys import AccountKeys
from ..ledger.room_rights import LEADERS
from ..ledger.status import Status as Outcome
from ..peer import Peer
from ..store.connection import Down, Lost, Refused
from ..telling.envoy import Envoy
from .frames import Ask, Told
from .link import Unreachable

if TYPE_CHECKING:
    from ..services import Services
    from .world import World


class Rooms:
    """Asks about rooms of other regions, and answers about ours."""

    def __init__(self, services: Services, world: World) -> None:
        self._services = services
        self._world = world
        self._tasks: set[asyncio.Task[None]] = set()
        world.answers[Ask] = self._answer
        self._log = structlog.get_logger("regions")

    def ask(self, peer: Peer, frame: Join | Leave | Members, home: str) -> None:
        """Let the region `home` answer the `frame` of `peer`.

        Raises:
            FrameError: `rate_limited`, when the account posts too fast.
        """
        if peer.party is not None and peer.party.bucket is not None:
            take_turn(self._services, peer.party.bucket, frame.id)
        self._run(self._ask(peer, frame, home))

    def ask_status(self, peer: Peer, frame: Status) -> None:
        """Answer what became of a frame of `peer` that no partition here knows."""
        self._run(self._ask_status(peer, frame))

    # Private: for accounts here.

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask_status(self, peer: Peer, frame: Status) -> None:
        """It is unknown only if every region says so."""
        question = Ask(peer.handle, 0, MSGPACK.encode(frame))
        links = self._world.links.values()
        asked = await asyncio.gather(
            *(link.ask(question) for link in links), return_exceptions=True
        )
        answers = [MSGPACK.decode_hub_frame(one.frame) for one in asked if isinstance(one, Told)]
        for answer in answers:
            if isinstance(answer, StatusReport) and isinstance(answer.ack, Ack):
                ack = replace(answer.ack, box=UNSET, seq=UNSET)
                peer.send(replace(answer, ack=ack))
                return
        if len(answers) < len(asked) or not all(isinstance(one, StatusReport) for one in answers):
            peer.refuse(Code.UNAVAILABLE, frame.id)  # it may be just there
        else:
            peer.send(StatusReport(frame.id, frame.of, "unknown"))

    async def _ask(self, peer: Peer, frame: Join | Leave | Members, home: str) -> None:
        link = self._world.links[home]
        if not link.up:
            peer.refuse(Code.UNAVAILABLE, frame.id, region=home)
            return
        try:
            reply = await link.ask(Ask(peer.handle, self._hint(peer, frame), MSGPACK.encode(frame)))
            if not isinstance(reply, Told):
                raise Unreachable
            answer = MSGPACK.decode_hub_frame(reply.frame)
        except (Unreachable, FrameError):
            asked = isinstance(frame, Members)
            code = Code.UNAVAILABLE if asked else Code.OUTCOME_UNKNOWN
            peer.refuse(code, frame.id, region=home)
            return
        if isinstance(answer, Ack):
            answer = self._changed(peer, frame, answer)
        peer.send(answer)

    def _hint(self, peer: Peer, frame: Join | Leave | Members) -> int:
        """What the room's region cannot know: whether the account is in too many rooms."""
        most = self._services.settings.rooms_per_account
        if isinstance(frame, Join) and peer.party is not None and len(peer.party.rooms) >= most:
            return Outcome.LIMIT_EXCEEDED
        return 0

    def _changed(self, peer: Peer, frame: Join | Leave | Members, ack: Ack) -> Ack:
        """The ack names no place: the entry itself comes, with the copy of the room."""
        if isinstance(frame, Join) and not ack.replayed and isinstance(ack.seq, int):
            self._services.delivery.joined(peer.handle, frame.room, ack.seq)
        return replace(ack, box=UNSET, seq=UNSET)

    # Private: for accounts of other regions.

    async def _answer(self, region: str, asked: Ask) -> Told:
        label = self._world.places.regions[region].label_of(asked.who)
        envoy = Envoy(self._services, AccountKeys(asked.who, -1, "", label))
        id = None
        try:
            frame = MSGPACK.decode_client_frame(asked.frame)
            id = getattr(frame, "id", None)
            if isinstance(frame, Members):
                list_members(self._services, envoy, frame)
            elif isinstance(frame, Status):
                status(self._services, envoy, frame)
            elif isinstance(frame, Join | Leave):
                await self._post(region, envoy, frame, asked.hint)
            else:
                raise FrameError(Code.FORBIDDEN, id)
        except FrameError as error:
            envoy.refuse(error.code, error.id, **error.details)
        except (Down, Lost, Refused):
            envoy.refuse(Code.UNAVAILABLE, id)
        return Told(MSGPACK.encode(await envoy.answer))

    async def _may_come(self, who: str, frame: Join) -> bool:
        """Whether `who` has some way into the room: else their region needs no copy of it."""
        keys = self._services.keyspace.of(frame.room)
        channel = self._services.channel(keys.partition)
        access = await channel.request("HGET", keys.profile, "access")
        if access in (None, b"public"):
            return True
        if await channel.request("HGET", keys.rules, f"v:{who}") is not None:
            return True
        if not isinstance(frame.code, str):
            return False
        maker = await channel.request("HGET", keys.rules, f"k:{frame.code}")
        if not isinstance(maker, bytes):
            return False
        role = await channel.request("HGET", keys.members, maker)
        return isinstance(role, bytes) and role.decode().split(" ")[0] in LEADERS.split(",")

    async def _post(self, region: str, envoy: Envoy, frame: Join | Leave, hint: int) -> None:
        services = self._services
        if isinstance(frame, Join) and await self._may_come(envoy.handle, frame):
            await self._world.mirrors.begin(frame.room, region, frame.id)
        post = draft(services, envoy, frame)
        if isinstance(frame, Join):
            most = services.settings.rooms_per_account
            routing_rooms.join(services.keyspace, post, envoy.keys, frame, most)
        else:
            routing_rooms.leave(services.keyspace, post, envoy.keys, frame)
        post.lookups = ()  # they were asked where the account lives
        post.hint = hint
        services.pipeline_of(post.partition).post(post)
