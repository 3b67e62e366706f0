"""Roaming: whoever logs in far from home is taken to a hub of the home region.

The directory tells where the account lives, and that region confirms it. Only then is the client's
login sent on, and only a welcome makes the tunnel: a refusal is told by this hub, which counts it
like one of its own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from msgspec import UNSET
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from protocol.codec import Codec
from protocol.errors import Code, FrameError
from protocol.frames import Error, Hello, Login, Welcome

from .frames import Home, Lives
from .link import Unreachable
from .places import Region
from .tunnel import Tunnel

if TYPE_CHECKING:
    from ..edge.transport import Connection
    from ..peer import Peer
    from ..services import Services
    from .world import World

OPEN_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 10.0
PING_S = 10.0
FRAME_BYTES_MAX = 4 * 1024 * 1024
"""Largest message of a hub: a welcome that names very many rooms."""
MESSAGES_AHEAD = 16
"""How many messages of the home region are read before the client has taken them."""
_CODES = frozenset(code.value for code in Code)


class Roaming:
    """Takes clients home."""

    def __init__(self, services: Services, world: World) -> None:
        self._services = services
        self._world = world
        self.tunnels: set[Tunnel] = set()
        world.answers[Lives] = self._lives
        self._log = structlog.get_logger("regions")

    async def take_home(self, peer: Peer, name: str, frame: Login | Hello) -> bool:
        """Carry the connection of `peer` on to the home region of `name`, with `frame` as its first
        words; false if that is here, or nowhere.

        Raises:
            FrameError: the home region refused, or cannot be reached.
        """
        region = await self._home(name, frame.id)
        if region is None:
            return False
        try:
            socket = await self._dial(region, peer.codec)
        except (OSError, WebSocketException) as error:
            self._log.warning("a region's hub does not answer", region=region.name, why=str(error))
            raise _unavailable(region.name, frame.id) from None
        try:
            welcome = await self._come_in(socket, peer.codec, frame, region.name)
        except BaseException:
            await socket.close()
            raise
        if peer.gone:
            await socket.close()
            return True
        peer.hand_over(lambda connection: self._tunnel(connection, peer.codec, socket, welcome))
        return True

    async def stop(self) -> None:
        """End all tunnels."""
        await asyncio.gather(*(tunnel.end() for tunnel in self.tunnels))

    # Private.

    def _tunnel(
        self, connection: Connection, codec: Codec, socket: ClientConnection, welcome: bytes
    ) -> Tunnel:
        tunnel = Tunnel(connection, codec, socket, self.tunnels.discard)
        self.tunnels.add(tunnel)
        tunnel.carry(welcome)
        return tunnel

    async def _home(self, name: str, id: str) -> Region | None:
        """The region where `name` lives, if that is not ours. It is asked itself, because only
        where an account is, nobody is sent on: without it two regions, each wrong about the other,
        would send a client to and fro."""
        world = self._world
        home = ""
        try:
            home = await world.directory.find(name)
            if home in ("", world.own):
                return None
            reply = await world.links[home].ask(Lives(name))
        except Unreachable:
            raise _unavailable(home, id) from None
        if isinstance(reply, Home) and reply.region == home:
            return world.places.regions[home]
        world.directory.forget(name)
        return None

    async def _lives(self, region: str, question: Lives) -> Home:
        """Whether an account is here, for a hub of another region."""
        del region
        keys = self._services.keyspace.of(question.name)
        there = await self._services.channel(keys.partition).request("EXISTS", keys.secret)
        return Home(self._world.own if there else "")

    async def _dial(self, region: Region, codec: Codec) -> ClientConnection:
        return await connect(
            region.url,
            subprotocols=[Subprotocol(codec.subprotocol)],
            compression=None,
            proxy=None,
            max_size=FRAME_BYTES_MAX,
            max_queue=MESSAGES_AHEAD,
            open_timeout=OPEN_TIMEOUT_S,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            close_timeout=1.0,
        )

    async def _come_in(
        self, socket: ClientConnection, codec: Codec, frame: Login | Hello, home: str
    ) -> bytes:
        """Send the client's `frame` on; the welcome as it came.

        Raises:
            FrameError: what the home region answered, or that it did not.
        """
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await socket.send(codec.encode(frame), text=codec.text)
                data = await socket.recv(decode=False)
        except (OSError, WebSocketException, TimeoutError):
            raise _unavailable(home, frame.id) from None
        answer = codec.decode_hub_frame(data)
        if isinstance(answer, Welcome):
            return data
        if isinstance(answer, Error) and answer.code in _CODES:
            details = {} if answer.details is UNSET else answer.details
            raise FrameError(Code(answer.code), frame.id, **details)
        raise _unavailable(home, frame.id)


def _unavailable(region: str, id: str) -> FrameError:
    return FrameError(Code.UNAVAILABLE, id, **({"region": region} if region else {}))
