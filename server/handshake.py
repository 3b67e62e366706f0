"""The opening of a connection: what the hub answers to its request. Part of the transport."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from websockets.exceptions import NegotiationError
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Origin, Subprotocol

from protocol.codec import CODECS, JSON, Codec

if TYPE_CHECKING:
    from .transport import Edge


def expect_request(edge: Edge) -> ServerProtocol:
    """The library's object that reads the request of a new connection."""
    return ServerProtocol(
        origins=None if edge.origins is None else [*map(Origin, edge.origins), None],
        select_subprotocol=_select_subprotocol,
        max_size=edge.frame_bytes_max,
    )


def answer(edge: Edge, library: ServerProtocol, request: Request) -> Codec | None:
    """Answer `request`; the encoding that was agreed on, or None where nobody comes in."""
    path = request.path.partition("?")[0]
    if path != "/ws" and request.method == "GET":
        status, kind, body = edge.answer(path)
        response = library.reject(status, body)
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = kind
        library.send_response(response)
        return None
    wait_ms = edge.admit()
    if wait_ms or len(edge.connections) > edge.connections_max:
        library.send_response(_come_later(library, max(wait_ms, 1_000)))
        return None
    response = library.accept(request)
    library.send_response(response)
    if response.status_code != 101:
        return None
    return CODECS.get(library.subprotocol or "", JSON)


def _select_subprotocol(
    library: ServerProtocol, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    """Ours, in our order; none where none was asked for."""
    if not offered:
        return None
    for name in CODECS:
        if name in offered:
            return Subprotocol(name)
    raise NegotiationError("expected one of " + ", ".join(CODECS))


def _come_later(library: ServerProtocol, wait_ms: int) -> Response:
    response = library.reject(503, "The hub takes no more connections now; nothing happened.\n")
    response.headers["Retry-After"] = str(-(-wait_ms // 1_000))
    return response
