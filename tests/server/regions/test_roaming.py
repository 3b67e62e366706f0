"""Whoever logs in far from home is carried on to a hub of the home region."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from server.entering.turnstile import Turnstile
from server.regions.tunnel import AHEAD_BYTES_MAX
from tests.support import PASSWORD, Client, until

from .conftest import Earth, kept_by


async def closed(client: Client) -> tuple[int, list[dict[str, Any]]]:
    """The close code, and what came before it."""
    frames: list[dict[str, Any]] = []
    while True:
        try:
            frames.append(await client.receive())
        except ConnectionClosed as error:
            return 1006 if error.rcvd is None else error.rcvd.code, frames


@pytest.mark.parametrize("binary", [False, True], ids=["json", "msgpack"])
async def test_a_login_far_from_home_works_as_at_home(earth: Earth, binary: bool) -> None:
    await earth["eu"].register("alice")
    bob = await earth["eu"].register("bob")
    away = await earth["us"].login("alice", binary)
    assert away.welcome["handle"] == "alice"
    assert away.welcome["balances"] == {"USD": {"available": 100_00, "held": 0}}
    ack = await away.ask("payment", to="@bob", amount=1_00, currency="USD", text="Grüße")
    assert ack["state"] == "settled"
    got = await bob.until(lambda frame: frame["type"] == "payment")
    assert (got["from"], got["text"]) == ("@alice", "Grüße")
    await bob.ask("message", to="@alice", text="x" * 60_000)
    assert len((await away.until(lambda frame: frame["type"] == "message"))["text"]) == 60_000
    assert not earth["us"].app.services.hub.parties


async def test_a_client_resumes_in_whatever_region_it_comes_back(earth: Earth) -> None:
    alice = await earth["eu"].register("alice")
    bob = await earth["eu"].register("bob")
    token = alice.welcome["token"]
    await bob.ask("message", to="@alice", text="one")
    seen = (await alice.until(lambda frame: frame["type"] == "message"))["seq"]
    await alice.close()
    await bob.ask("message", to="@alice", text="two")
    away = await earth["ap"].hello(token, {"@alice": seen})
    assert away.welcome["boxes"]["@alice"]["seq"] == seen + 1
    missed = await away.receive()
    assert (missed["text"], missed["seq"]) == ("two", seen + 1)
    await bob.ask("message", to="@alice", text="three")
    assert (await away.receive())["text"] == "three"


async def test_a_wrong_password_is_refused_where_it_was_said(earth: Earth) -> None:
    await earth["eu"].register("alice")
    await earth["us"].register("carol")
    client = await earth["us"].connect()
    refused = await client.ask("login", handle="alice", password="wrong horse")
    assert (refused["type"], refused["code"]) == ("error", "login_failed")
    nobody = await client.ask("login", handle="nobody", password=PASSWORD)
    assert nobody["code"] == "login_failed"
    token = await client.ask("hello", token="@alice.no-such-token")
    assert token["code"] == "token_invalid"
    welcome = await client.ask("login", handle="carol", password=PASSWORD)
    assert welcome["handle"] == "carol"  # the connection is as good as before
    assert "@carol" in earth["us"].app.services.hub.parties


async def test_a_made_up_name_keeps_nobody_out_while_another_region_is_asked(earth: Earth) -> None:
    carol = await earth["us"].register("carol")
    entrance, world = earth["us"].app.services.entrance, earth.world("us")
    entrance.turnstile = Turnstile(most=1)
    asked = world.directory.asked
    earth.cut("us", "eu", abort_after=None)  # the question is on its way, and stays there
    ghost = await earth["us"].connect()
    await ghost.send({"type": "hello", "id": "boo", "token": f"@{kept_by('eu', 'ghost')}.made-up"})
    await until(lambda: world.directory.asked > asked)
    assert entrance.turnstile.inside == 0
    again = await earth["us"].hello(carol.welcome["token"], {})
    assert again.welcome["type"] == "welcome"
    earth.heal("us", "eu")
    assert (await ghost.answer("boo"))["code"] in ("token_invalid", "unavailable")


async def test_nonsense_on_a_tunnel_is_judged_at_home(earth: Earth) -> None:
    await earth["eu"].register("alice")
    away = await earth["us"].login("alice")
    await away.send_raw("{")
    assert (await away.receive())["code"] == "malformed"
    again = await away.ask("login", handle="alice", password=PASSWORD)
    assert again["code"] == "already_authenticated"


async def test_closes_come_through_with_their_codes(earth: Earth) -> None:
    await earth["eu"].register("alice")
    away = await earth["us"].login("alice")
    await away.send({"type": "logout", "id": "out"})
    code, frames = await closed(away)
    assert code == 4500
    assert [frame["type"] for frame in frames] == ["ack", "goodbye"]
    await until(lambda: not earth.world("us").roaming.tunnels)


async def test_without_a_way_home_the_login_is_unavailable_and_works_later(earth: Earth) -> None:
    await earth["eu"].register("alice")
    (await earth["us"].login("alice")).socket.transport.abort()  # us knows where she lives
    earth.cut("us", "eu", abort_after=0.1)
    await until(lambda: not earth.world("us").links["eu"].up)
    client = await earth["us"].connect()
    refused = await client.ask("login", handle="alice", password=PASSWORD)
    assert (refused["code"], refused["retry"]) == ("unavailable", "same_id")
    assert refused["details"]["region"] == "eu"
    earth.heal("us", "eu")
    await earth.joined()
    welcome = await client.ask("login", handle="alice", password=PASSWORD)
    assert welcome["type"] == "welcome"


async def test_a_broken_way_home_asks_the_client_to_come_again(earth: Earth) -> None:
    await earth["eu"].register("alice")
    away = await earth["us"].login("alice")
    earth.kill("us", "eu")
    code, frames = await closed(away)
    assert code == 4000
    assert frames[-1]["type"] == "goodbye"
    await earth.joined()
    again = await earth["us"].hello(away.welcome["token"], {})
    assert again.welcome["type"] == "welcome"


async def test_a_lost_client_leaves_nothing_behind(earth: Earth) -> None:
    await earth["eu"].register("alice")
    first = earth["eu"].clients[0]
    await first.close()
    away = await earth["us"].login("alice")
    assert len(earth.world("us").roaming.tunnels) == 1
    away.socket.transport.abort()
    await until(lambda: not earth.world("us").roaming.tunnels)
    await until(lambda: "@alice" not in earth["eu"].app.services.hub.parties)


async def test_the_nearer_hub_stops_with_a_goodbye(earth: Earth) -> None:
    await earth["eu"].register("alice")
    away = await earth["us"].login("alice")
    hub = earth.hubs.pop("us")
    stopping = asyncio.create_task(hub.app.stop())
    code, frames = await closed(away)
    assert (code, frames[-1]["type"]) == (4000, "goodbye")
    await stopping


async def test_who_moved_from_a_wrong_region_is_not_sent_to_and_fro(earth: Earth) -> None:
    """Two regions that each believe the other to be the home answer at once."""
    for here, there in (("eu", "us"), ("us", "eu")):
        earth.world(here).directory._remember("@ghost", there)
    client = await earth["eu"].connect()
    refused = await client.ask("login", handle="ghost", password=PASSWORD)
    assert refused["code"] == "login_failed"
    assert not earth.world("us").roaming.tunnels


async def test_what_waits_in_a_tunnel_is_bounded(
    earth: Earth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.world.flow.WINDOW_BYTES", 64 * 1024)  # the line takes no more
    await earth["eu"].register("alice")
    away = await earth["us"].login("alice")
    (tunnel,) = earth.world("us").roaming.tunnels
    earth.cut("us", "eu", abort_after=None)

    async def shout() -> None:
        for number in range(2_000):
            text = f"{number} " + "x" * 8_000
            await away.send({"type": "message", "id": f"m{number}", "to": "@alice", "text": text})

    shouting = asyncio.create_task(shout())
    await until(lambda: tunnel._size > AHEAD_BYTES_MAX)
    await asyncio.sleep(0.3)
    assert tunnel._size < 2 * AHEAD_BYTES_MAX  # the rest stays in the client's socket
    earth.heal("us", "eu")
    await shouting
    last = await away.until(lambda frame: frame.get("id") == "m1999")
    assert last["type"] == "ack"
