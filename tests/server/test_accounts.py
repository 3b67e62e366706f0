"""Coming in and going out."""

from __future__ import annotations

import asyncio

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support import PASSWORD, Hub


async def test_a_new_account_is_welcomed_with_play_money(hub: Hub) -> None:
    alice = await hub.register("alice")
    welcome = alice.welcome
    assert welcome["handle"] == "alice"
    assert welcome["boxes"]["@alice"]["seq"] == 1
    assert welcome["balances"] == {"USD": {"available": 10_000, "held": 0}}
    assert welcome["token"].startswith("@alice.")


async def test_without_opening_balance_there_is_no_money(make_hub) -> None:  # type: ignore[no-untyped-def]
    hub = await make_hub(opening_balance=None)
    alice = await hub.register("alice")
    assert (alice.welcome["balances"], alice.welcome["version"]) == ({}, 0)
    assert alice.welcome["boxes"]["@alice"]["seq"] == 0


async def test_a_handle_is_taken_once(hub: Hub) -> None:
    await hub.register("alice")
    other = await hub.connect()
    refused = await other.ask("register", handle="alice", password="something else")
    assert (refused["code"], refused["retry"]) == ("name_taken", "new_id")
    assert (await other.ask("register", handle="alice2", password=PASSWORD))["type"] == "welcome"


async def test_a_registration_sent_again_comes_in_once(hub: Hub) -> None:
    """The answer was lost; whoever knows the password gets it, nobody else."""
    first = await hub.connect()
    await first.ask("register", id="r1", handle="alice", password=PASSWORD)
    again = await hub.connect()
    welcome = await again.ask("register", id="r1", handle="alice", password=PASSWORD)
    assert welcome["balances"]["USD"]["available"] == 10_000
    stranger = await hub.connect()
    refused = await stranger.ask("register", id="r1", handle="alice", password="not the same")
    assert refused["code"] == "name_taken"


async def test_twenty_race_for_one_handle(hub: Hub) -> None:
    clients = [await hub.connect(binary=n % 2 == 0) for n in range(20)]
    asked = [
        c.ask("register", id=f"r{n}", handle="alice", password=f"secret {n}")
        for n, c in enumerate(clients)
    ]
    answers = await asyncio.gather(*asked)
    kinds = [answer.get("code", "in") for answer in answers]
    assert sorted(kinds) == ["in"] + ["name_taken"] * 19


async def test_wrong_passwords_and_unknown_handles_look_the_same(hub: Hub) -> None:
    await hub.register("alice")
    client = await hub.connect()
    wrong = await client.ask("login", id="1", handle="alice", password="wrong password")
    unknown = await client.ask("login", id="1", handle="nobody", password="wrong password")
    assert wrong == unknown
    assert wrong["code"] == "login_failed"
    assert (await client.ask("login", handle="alice", password=PASSWORD))["type"] == "welcome"


async def test_guessing_is_slowed_down(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub.app.services.entrance._throttle, "_now", lambda: 0.0)  # no time passes
    await hub.register("alice")
    client = await hub.connect()
    codes = [
        (await client.ask("login", handle="alice", password=f"guess {n}")).get("code")
        for n in range(15)
    ]
    assert codes[:10] == ["login_failed"] * 10
    assert codes[-1] == "rate_limited"


async def test_logging_out_revokes_the_token(hub: Hub) -> None:
    alice = await hub.register("alice")
    token = alice.welcome["token"]
    ack = await alice.ask("logout")
    assert ack["type"] == "ack"
    assert (await alice.receive())["type"] == "goodbye"
    with pytest.raises(ConnectionClosed) as closed:
        await alice.receive()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4500
    back = await hub.connect()
    refused = await back.ask("hello", token=token)
    assert refused["code"] == "token_invalid"


async def test_logging_out_is_as_durable_as_its_ack_says(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replica that takes over must not let a revoked token in."""
    alice = await hub.register("alice")
    monkeypatch.setattr("server.commit.durability.WAIT_MS", 20)
    promise = hub.app.services.promise
    promise.least = "replica"  # and there is none
    assert (await alice.ask("logout"))["code"] == "outcome_unknown"
    promise.least = "disk"
    assert (await alice.ask("logout"))["durable"] == "disk"


async def test_one_device_leaves_the_others_in(hub: Hub) -> None:
    alice, phone = await hub.register("alice"), await hub.login("alice")
    await phone.ask("logout")
    bob = await hub.register("bob")
    await bob.ask("message", to="@alice", text="still there?")
    assert (await alice.receive())["text"] == "still there?"
    again = await hub.hello(alice.welcome["token"], {})
    assert again.welcome["handle"] == "alice"


async def test_hello_brings_exactly_what_was_missed(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    token = bob.welcome["token"]
    await bob.close()
    for n in range(5):
        await alice.ask("message", to="@bob", text=f"{n}")
    back = await hub.hello(token, {"@bob": 3}, binary=True)
    assert back.welcome["boxes"]["@bob"]["seq"] == 6
    assert [(await back.receive())["text"] for _ in range(3)] == ["2", "3", "4"]


async def test_a_long_gap_is_said_and_filled_by_history(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    token = bob.welcome["token"]
    await bob.close()
    for n in range(600):
        await alice.send({"type": "message", "id": f"n{n}", "to": "@bob", "text": f"{n}"})
    last = {"code": "busy"}
    while last.get("code") != "done":
        last = await alice.ask("balance")
        stored = await hub.store("LLEN", "{p0}m:@bob")
        last["code"] = "done" if stored >= 200 else "busy"
    total = await hub.store("LLEN", "{p0}m:@bob")
    back = await hub.hello(token, {"@bob": 1})
    state = back.welcome["boxes"]["@bob"]
    gap = total - 1
    assert state.get("limited", False) is (gap > 500)


async def test_before_login_nothing_else_is_answered(hub: Hub) -> None:
    client = await hub.connect()
    for type in ("message", "payment", "balance", "history"):
        fields = {"message": {"to": "@bob", "text": "x"}, "history": {"box": "@bob"}}.get(type, {})
        if type == "payment":
            fields = {"to": "@bob", "amount": 1, "currency": "USD"}
        assert (await client.ask(type, **fields))["code"] == "unauthenticated"


async def test_guessing_in_parallel_is_slowed_down_too(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub.app.services.entrance._throttle, "_now", lambda: 0.0)  # no time passes
    await hub.register("alice")
    clients = [await hub.connect() for _ in range(30)]
    tries = (
        client.ask("login", handle="alice", password=f"guess {n}")
        for n, client in enumerate(clients)
    )
    codes = [answer["code"] for answer in await asyncio.gather(*tries)]
    assert codes.count("login_failed") <= 11
    assert codes.count("rate_limited") >= 19


async def test_a_new_connection_does_not_renew_an_accounts_rate(make_hub) -> None:  # type: ignore[no-untyped-def]
    hub = await make_hub(posts_burst=5, posts_per_s=0.01)
    alice = await hub.register("alice")
    token = alice.welcome["token"]
    kinds = []
    for n in range(9):
        kinds.append((await alice.ask("message", id=f"{n}", to="@alice", text="x"))["type"])
        await alice.close()
        alice = await hub.hello(token, {})
    assert kinds == ["ack"] * 5 + ["error"] * 4


async def test_guessing_over_many_handles_ends_the_connection(hub: Hub) -> None:
    client = await hub.connect()
    for n in range(20):
        await client.ask("login", handle=f"guess{n}", password="password")
    assert (await client.receive())["type"] == "goodbye"
    with pytest.raises(ConnectionClosed) as closed:
        await client.receive()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4501
