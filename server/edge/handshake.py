"""The opening of a connection: what the hub answers to its request. Part of the transport."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from websockets.exceptions import NegotiationError
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Origin, Subprotocol

from protocol.codec import CODECS, JSON

from .upgrade import read_common

if TYPE_CHECKING:
    from .edge import Edge, Guest
    from .transport import Connection

LINK_PATH = "/region"
LINK_SUBPROTOCOL = "teller.region.v1"
"""Between hubs of different regions; see the folder `regions`."""

_FORWARDED = "X-Forwarded-For"
Reply = Callable[[int, str, str], None]
"""Takes status, media type and body of a page."""


def expect_request(edge: Edge) -> ServerProtocol:
    """The library's object that reads the request of a new connection."""
    return ServerProtocol(
        origins=None if edge.origins is None else [*map(Origin, edge.origins), None],
        select_subprotocol=_select_subprotocol,
        max_size=edge.frame_bytes_max,
    )


def network_of(peer: object) -> str:
    """The address of a socket's peer; of IPv6 the network of 64 bits, which is one customer's."""
    if not isinstance(peer, tuple) or not peer:
        return ""  # a Unix socket
    host = str(peer[0]).partition("%")[0]
    return _network(host)


def forwarded_for(request: Request, address: str, proxies: frozenset[str]) -> str | None:
    """Where a client is who came through proxies of ours: the last address that is none of them."""
    if address not in proxies:
        return None
    named = [one.strip() for line in request.headers.get_all(_FORWARDED) for one in line.split(",")]
    others = [_network(one) for one in named if _network(one) not in proxies]
    return others[-1] if others else None


def _network(host: str) -> str:
    if ":" not in host:
        return host
    try:
        address = IPv6Address(host)
    except ValueError:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Address(int(address) >> 64 << 64))


def answer(
    edge: Edge, library: ServerProtocol, request: Request, reply: Reply, address: str
) -> Callable[[Connection], Guest] | None:
    """Answer `request`; what makes the guest of the connection, or None where nobody comes in.

    `reply` is for who wants a page; `address` is where it comes from.
    """
    path = request.path.partition("?")[0]
    link = edge.link if path == LINK_PATH else None
    if path != "/ws" and link is None and request.method == "GET":
        edge.answer(path, reply)
        return None
    if wait_ms := _wait_ms(edge, address):
        library.send_response(_come_later(library, wait_ms))
        return None
    response = library.accept(request)
    if response.status_code == 101 and (library.subprotocol == LINK_SUBPROTOCOL) != bool(link):
        response = library.reject(400, f"{LINK_SUBPROTOCOL} is spoken at {LINK_PATH}.\n")
    library.send_response(response)
    if response.status_code != 101:
        return None
    return link or partial(_as_client, edge, library.subprotocol or "")


def answer_common(
    edge: Edge, data: bytes, address: str
) -> tuple[list[bytes], Callable[[Connection], Guest] | None, int] | None:
    """The same if `data` begins with a whole request of the common kind: what to send, what makes
    the guest, and the length of the request."""
    strange: tuple[bytes, ...] = () if edge.origins is None else (b"origin",)
    if address in edge.proxies:
        strange += (_FORWARDED.lower().encode(),)
    upgrade = read_common(data, strange)
    if upgrade is None:
        return None
    if wait_ms := _wait_ms(edge, address):
        library = expect_request(edge)
        library.send_response(_come_later(library, wait_ms))
        return library.data_to_send(), None, upgrade.length
    return [upgrade.response], partial(_as_client, edge, upgrade.subprotocol), upgrade.length


def _wait_ms(edge: Edge, address: str) -> int:
    """Milliseconds after which who comes from `address` should try again; 0: come in."""
    wait_ms = edge.admit(address)
    full = len(edge.connections) > edge.connections_max
    return max(wait_ms, 1_000) if wait_ms or full else 0


def _as_client(edge: Edge, subprotocol: str, connection: Connection) -> Guest:
    return edge.welcome(connection, CODECS.get(subprotocol, JSON))


def give(library: ServerProtocol, status: int, kind: str, body: str) -> None:
    """Answer a request with a page."""
    response = library.reject(status, body)
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = kind
    library.send_response(response)


def _select_subprotocol(
    library: ServerProtocol, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    """Ours, in our order; none where none was asked for."""
    if not offered:
        return None
    for name in (*CODECS, LINK_SUBPROTOCOL):
        if name in offered:
            return Subprotocol(name)
    raise NegotiationError("expected one of " + ", ".join(CODECS))


def _come_later(library: ServerProtocol, wait_ms: int) -> Response:
    response = library.reject(503, "The hub takes no more connections now; nothing happened.\n")
    response.headers["Retry-After"] = str(-(-wait_ms // 1_000))
    return response
