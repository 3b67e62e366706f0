"""Before the WebSocket is open: requests of every kind, and those who never finish one."""

from __future__ import annotations

import asyncio

import pytest

from server.edge import transport
from tests.conformance.wire import HANDSHAKE, TEXT_OP, frame
from tests.support import Hub

from .conftest import MakeHub, Scene
from .raw import http, raw, raw_login
from .untouched import untouched

GET = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n"


def shake(*changes: tuple[bytes, bytes], more: bytes = b"") -> bytes:
    """The handshake's request with something else in it."""
    request = HANDSHAKE
    for old, new in changes:
        assert old in request
        request = request.replace(old, new)
    return request[:-2] + more + b"\r\n"


REQUESTS: dict[str, tuple[bytes, int]] = {
    # name: request, status of the answer (0: closed without one)
    "a page that is not there": (GET % b"/admin", 404),
    "a path that begins like ours": (shake((b"/ws", b"/ws/")), 404),
    "a path out of the tree": (GET % b"/../../etc/passwd", 404),
    "a GET of the socket": (GET % b"/ws", 426),
    "a POST to the socket": (shake((b"GET", b"POST")), 405),
    "a POST": (b"POST /healthz HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 405),
    "a POST with a body": (b"POST /ws HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi", 0),
    "a DELETE": (b"DELETE /metrics HTTP/1.1\r\n\r\n", 405),
    "HTTP/1.0": (shake((b"HTTP/1.1", b"HTTP/1.0")), 505),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n" + bytes(200), 0),
    "SSH": (b"SSH-2.0-OpenSSH_9.6\r\n", 0),
    "Redis": (b"*1\r\n$7\r\nFLUSHDB\r\n", 0),
    "zeros": (bytes(9_000), 414),
    "a long path": (GET % (b"/" + b"a" * 9_000), 414),
    "a long header": (shake(more=b"X: " + b"a" * 9_000 + b"\r\n"), 431),
    "many headers": (shake(more=b"X: y\r\n" * 200), 431),
    "a header without a colon": (shake(more=b"nonsense\r\n"), 0),
    "bare line feeds": (HANDSHAKE.replace(b"\r\n", b"\n"), 0),
    "no key": (shake((b"Sec-WebSocket-Key", b"X")), 400),
    "two keys": (shake(more=b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"), 400),
    "a short key": (shake((b"AAAAAAAAAAAAAAAAAAAAAA==", b"AAAA")), 400),
    "an old version": (shake((b"Version: 13", b"Version: 8")), 400),
    "an unknown subprotocol": (shake(more=b"Sec-WebSocket-Protocol: mqtt, soap\r\n"), 400),
    "two requests at once": (GET % b"/healthz" + GET % b"/metrics", 200),
    "a request and garbage": (GET % b"/nothing" + b"\xff" * 500, 404),
}


async def test_every_request_is_answered_or_cut(scene: Scene) -> None:
    found = {}
    async with untouched(scene.hub, scene.bob):
        for name, (request, _) in REQUESTS.items():
            found[name] = (await http(scene.hub, request))[0]
    assert found == {name: status for name, (_, status) in REQUESTS.items()}


async def test_the_request_may_come_byte_by_byte(scene: Scene) -> None:
    async with raw(scene.hub, shake_hands=False) as client:
        for place in range(len(HANDSHAKE)):
            client.send(HANDSHAKE[place : place + 1])
            await asyncio.sleep(0)
        assert (await client.head()).startswith("HTTP/1.1 101 ")


async def test_health_and_metrics(scene: Scene) -> None:
    status, head, body = await http(scene.hub, GET % b"/healthz?verbose=1")
    assert (status, body) == (200, b'{"status":"ok","store":"up"}\n')
    assert head.count("Content-Type: ") == 1
    assert "Content-Type: application/json" in head
    await scene.hub.hello("@alice.wrong", {})
    status, _, body = await http(scene.hub, GET % b"/metrics")
    assert status == 200
    assert b"teller_connections " in body
    assert b"teller_posts_total " in body


async def test_which_origins_may_come(make_hub: MakeHub) -> None:
    hub = await make_hub(origin=["https://chat.example"])
    cases = {
        b"https://chat.example": 101,
        b"https://evil.example": 403,
        b"https://chat.example.evil": 403,
        b"http://chat.example": 403,
        b"null": 403,
        b"": 403,
    }
    for origin, status in cases.items():
        async with raw(hub, shake_hands=False) as client:
            client.send(shake(more=b"Origin: " + origin + b"\r\n"))
            assert (await client.head()).startswith(f"HTTP/1.1 {status} "), origin
    async with raw(hub):
        pass  # no Origin: no browser


async def test_more_connections_than_may_come_are_asked_to_come_later(make_hub: MakeHub) -> None:
    hub = await make_hub(connections_max=2)
    async with raw(hub), raw(hub):
        status, head, _ = await http(hub, HANDSHAKE)
        assert status == 503
        assert "Retry-After: 1\r\n" in head
        assert (await http(hub, GET % b"/healthz"))[0] == 200
    while hub.app.edge.connections:  # noqa: ASYNC110 (the hub sees the cut when it sees it)
        await asyncio.sleep(0.01)
    async with raw(hub):
        pass


async def test_connects_that_come_too_fast_are_asked_to_come_later(make_hub: MakeHub) -> None:
    hub = await make_hub(connects_per_s=0.01)
    async with raw(hub):
        status, head, _ = await http(hub, HANDSHAKE)
    assert status == 503
    assert 90 <= int(head.partition("Retry-After: ")[2].split()[0]) <= 100


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "HANDSHAKE_TIMEOUT_S", 0.2)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("half", [b"", b"GET", HANDSHAKE[:-2], b"\r\n"], ids=ascii)
async def test_half_a_request_is_cut(hub: Hub, half: bytes) -> None:
    async with raw(hub, shake_hands=False) as client:
        client.send(half)
        assert await client.rest() == b""


async def test_who_does_not_log_in_is_closed(make_hub: MakeHub) -> None:
    hub = await make_hub(login_timeout_s=1)
    async with raw(hub) as client:
        client.send_frame({"type": "login", "id": "l", "handle": "nobody", "password": "wrong"})
        assert (await client.closed())[0] == 4003


async def test_who_is_silent_is_closed_and_who_answers_pings_is_not(make_hub: MakeHub) -> None:
    hub = await make_hub(ping_interval_s=1, idle_timeout_s=4)
    lively = await hub.register("alice")
    async with raw_login(hub, lively.welcome["token"]) as silent:
        code, frames = await silent.closed()
    assert code == 4002
    assert frames[-1] == {"type": "goodbye", "reason": "idle", "cursors": {"@alice": 1}}
    assert (await lively.ask("balance"))["type"] == "balance"


async def test_whoever_stays_after_a_close_is_cut(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "CLOSE_TIMEOUT_S", 0.2)
    alice = await hub.register("alice")
    async with raw_login(hub, alice.welcome["token"]) as rude:
        rude.send_frame({"type": "logout", "id": "x"})
        assert (await rude.closed())[0] == 4500
        rude.send(frame(TEXT_OP, b'{"type":"balance","id":"late"}'))
        assert await rude.rest() == b""
