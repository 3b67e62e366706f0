"""Who is kept out, who is slowed down, and who is not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from server.edge.admission import Admission
from server.entering.throttle import FREE_TRIES, WAIT_S_MAX, Throttle, Tries
from server.entering.turnstile import Turnstile
from tests.server.people.conftest import stored
from tests.server.people.test_devices import cut_off
from tests.server.relay.conftest import MakeHub, MakeHubs
from tests.server.test_operator import teller
from tests.support import PASSWORD, Client, Hub, until

STRANGER = {"local_addr": ("127.0.0.2", 0)}
"""Comes from another address than everybody else."""


async def outcome(client: Client, type: str, **fields: Any) -> str:
    """Why a post is refused, at once or by the partition where it arrives."""
    answer = await client.ask(type, id=f"o-{type}", **fields)
    if answer["type"] == "error":
        return str(answer["code"])
    back = await client.until(lambda one: one["type"] == "returned" and one["id"] == f"o-{type}")
    return str(back["reason"])


# Suspended accounts.


async def test_a_suspended_account_is_cut_off_and_kept_out_on_every_hub(hubs: list[Hub]) -> None:
    first, second = hubs
    alice, phone = await first.register("alice"), await second.login("alice")
    bob, operator = await second.register("bob"), await first.operator()
    assert (await operator.ask("suspend", id="s1", who="@alice"))["type"] == "ack"
    assert [await cut_off(one) for one in (alice, phone)] == [4502, 4502]
    for hub in hubs:
        back = await hub.hello(alice.welcome["token"], {})
        assert (back.welcome["code"], back.welcome["retry"]) == ("suspended", "new_id")
        assert (await back.ask("login", handle="alice", password=PASSWORD))["code"] == "suspended"
        wrong = await back.ask("login", handle="alice", password="not the one")
        assert wrong["code"] == "login_failed"
    paid = {"to": "@alice", "amount": 1, "currency": "USD"}
    assert await outcome(bob, "payment", **paid) == "suspended"
    assert await outcome(bob, "message", to="@alice", text="?") == "suspended"
    assert (await operator.ask("suspend", id="s2", who="@alice", suspended=False))["type"] == "ack"
    back = await second.hello(alice.welcome["token"], {})
    assert back.welcome["type"] == "welcome"
    assert (await bob.ask("message", to="@alice", text="back?"))["type"] == "ack"


async def test_a_suspension_sent_again_is_answered_again(hub: Hub) -> None:
    await hub.register("alice")
    operator = await hub.operator()
    ack = await operator.ask("suspend", id="s", who="@alice")
    again = await operator.ask("suspend", id="s", who="@alice")
    assert again == {**ack, "replayed": True}
    altered = await operator.ask("suspend", id="s", who="@alice", suspended=False)
    assert altered["code"] == "id_reused"
    assert (await operator.ask("suspend", who="@nobody"))["code"] == "unknown_account"


async def test_only_the_operator_suspends(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    assert (await alice.ask("suspend", who="@bob"))["code"] == "forbidden"
    assert (await bob.ask("balance"))["type"] == "balance"


async def test_a_hub_that_missed_the_word_finds_it(
    make_hubs: MakeHubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.people.cutter.ROUND_S", 0.6)
    first, second = await make_hubs(2, partitions=4)
    phone = await second.register("alice")
    operator = await first.operator()
    monkeypatch.setattr("server.telling.relay.LOSES", True)
    await operator.ask("suspend", who="@alice")
    assert await cut_off(phone) == 4502


async def test_the_operators_command(hub: Hub) -> None:
    alice = await hub.register("alice")
    where = ("--url", hub.url, "--data", str(hub.data))
    code, out, _ = await teller("admin", "suspend", "@alice", *where)
    assert (code, out) == (0, "@alice is suspended\n")
    assert await cut_off(alice) == 4502
    code, out, _ = await teller("admin", "suspend", "@alice", "--lift", *where)
    assert (code, out) == (0, "@alice is not suspended any more\n")
    back = await hub.hello(alice.welcome["token"], {})
    assert back.welcome["type"] == "welcome"


# Passwords.


async def guesses(hub: Hub, number: int, **options: Any) -> list[str]:
    """What becomes of so many wrong passwords for alice."""
    stranger = await hub.connect(**options)
    answers = [
        await stranger.ask("login", handle="alice", password=f"guess {n}") for n in range(number)
    ]
    return [one["code"] for one in answers]


async def test_a_strangers_guesses_do_not_lock_the_owner_out(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub.app.services.entrance._throttle, "_now", lambda: 0.0)  # no time passes
    alice = await hub.register("alice")
    codes = await guesses(hub, FREE_TRIES + 2, **STRANGER)
    assert codes == ["login_failed"] * FREE_TRIES + ["rate_limited"] * 2
    stranger = await hub.connect(**STRANGER)
    right = await stranger.ask("login", handle="alice", password=PASSWORD)
    assert right["code"] == "rate_limited"  # it cannot be told from a guess
    again = await hub.login("alice")
    assert again.welcome["type"] == "welcome"
    assert (await hub.hello(alice.welcome["token"], {})).welcome["type"] == "welcome"


def test_the_wait_grows_with_each_try() -> None:
    tries, now = Tries(free=3), 0.0
    waits = []
    for _ in range(16):
        wait = tries.take("alice", now)
        waits.append(wait)
        now += wait
        if wait:
            assert tries.take("alice", now) == 0.0
    assert waits[:7] == [0.0, 0.0, 0.0, 1.0, 2.0, 4.0, 8.0]
    assert waits[-1] == WAIT_S_MAX
    assert tries.take("bob", now) == 0.0
    assert [tries.take("alice", now + 13 * WAIT_S_MAX) for _ in range(3)] == [0.0] * 3


def test_one_address_is_slowed_down_over_all_accounts() -> None:
    throttle = Throttle(lambda: 0.0, 10, rates=True)
    refused = 0
    for n in range(200):
        try:
            throttle.password(f"@victim{n}", "192.0.2.1")
        except Exception:
            refused += 1
    assert refused == 150
    throttle.password("@victim", "192.0.2.2")


def test_who_comes_in_with_a_token_gets_no_guesses_back() -> None:
    """Else an account of one's own would be a way to guess without end."""
    throttle = Throttle(lambda: 0.0, 10, rates=True)
    refused = 0
    for n in range(200):
        throttle.right("@eve", "192.0.2.1", guessed=False)
        try:
            throttle.password(f"@victim{n}", "192.0.2.1")
        except Exception:
            refused += 1
    assert refused == 150


# New accounts and new connections.


async def test_new_accounts_of_one_address_are_few(make_hub: MakeHub) -> None:
    hub = await make_hub(registrations_per_h=3)
    for n in range(3):
        await hub.register(f"one{n}")
    late = await hub.connect()
    refused = await late.ask("register", handle="one3", password=PASSWORD)
    assert (refused["code"], refused["retry"]) == ("rate_limited", "same_id")
    assert refused["details"]["retry_after_ms"] > 1_000_000
    await hub.register("other", **STRANGER)


async def test_nobody_is_called_all(hub: Hub) -> None:
    client = await hub.connect()
    refused = await client.ask("register", handle="all", password=PASSWORD)
    assert refused["code"] == "name_taken"


async def test_a_proxy_tells_where_clients_are(make_hub: MakeHub) -> None:
    hub = await make_hub(registrations_per_h=1, proxies=["127.0.0.1"])
    via = {"additional_headers": {"X-Forwarded-For": "198.51.100.7, 203.0.113.9"}}
    await hub.register("one", **via)
    late = await hub.connect(**via)
    assert (await late.ask("register", handle="two", password=PASSWORD))["code"] == "rate_limited"
    lie = {"additional_headers": {"X-Forwarded-For": "1.2.3.4, 203.0.113.9"}}
    late = await hub.connect(**lie)
    assert (await late.ask("register", handle="two", password=PASSWORD))["code"] == "rate_limited"
    other = {"additional_headers": {"X-Forwarded-For": "203.0.113.10"}}
    await hub.register("three", **other)
    await hub.register("four", **STRANGER, **other)  # no proxy of ours: nobody believes it
    late = await hub.connect(**STRANGER)
    assert (await late.ask("register", handle="five", password=PASSWORD))["code"] == "rate_limited"


async def test_one_address_leaves_room_for_others(make_hub: MakeHub) -> None:
    hub = await make_hub(connects_per_s=0.01)
    await hub.connect()
    with pytest.raises(InvalidStatus) as refused:
        await hub.connect()
    assert refused.value.response.status_code == 503
    assert int(refused.value.response.headers["Retry-After"]) >= 1


def test_a_crowd_is_asked_to_come_back_as_no_crowd() -> None:
    admission = Admission(10.0, lambda: 0.0)
    waits = [admission.wait_ms(f"192.0.2.{n}") for n in range(210)]
    assert waits[:10] == [0] * 10
    later = waits[10:]
    assert min(later) > 0
    assert max(later) > 8_000  # 200 of them at ten a second
    assert len({wait // 1_000 for wait in later}) > 5


# Coming in.


async def test_only_so_many_come_in_at_once() -> None:
    turnstile = Turnstile(most=2, waiting_most=3)
    inside = [await turnstile.turn("a"), await turnstile.turn("b")]
    waiting = [asyncio.create_task(turnstile.turn(f"w{n}")) for n in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Exception, match="busy"):
        await turnstile.turn("late")
    waiting[0].cancel()
    await asyncio.sleep(0)
    inside[0].end()
    inside[0].end()
    await until(waiting[1].done)
    assert [one.done() for one in waiting] == [True, True, False]
    (await waiting[1]).end()
    (await waiting[2]).end()
    inside[1].end()
    assert (turnstile.inside, len(turnstile.waiting)) == (0, 0)


async def test_who_takes_too_long_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.entering.turnstile.TURN_S", 0.01)
    turnstile = Turnstile(most=1)
    stuck = await turnstile.turn("a")
    (await turnstile.turn("b")).end()
    stuck.end()
    assert turnstile.inside == 0


async def test_a_storm_comes_in_one_after_the_other(
    make_hub: MakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever becomes of those who come in, each gives the turn to the next."""
    hub = await make_hub(rate_limits=False)
    alice = await hub.register("alice")
    turnstile = hub.app.services.entrance.turnstile
    monkeypatch.setattr(turnstile, "_most", 2)
    clients = [await hub.connect() for _ in range(40)]

    async def come(n: int, client: Client) -> str:
        token = alice.welcome["token"] if n % 2 else f"@alice.wrong{n}"
        if n % 5 == 4:
            await client.send({"type": "hello", "id": "h", "token": token})
            client.socket.transport.abort()
            return "gone"
        return str((await client.ask("hello", token=token))["type"])

    kinds = await asyncio.gather(*(come(n, client) for n, client in enumerate(clients)))
    assert (kinds.count("welcome"), kinds.count("error"), kinds.count("gone")) == (16, 16, 8)
    await until(lambda: turnstile.inside == 0)
    assert not turnstile.waiting


async def test_a_hub_that_is_too_full_says_when_to_come_back(
    make_hub: MakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = await make_hub()
    alice = await hub.register("alice")
    turnstile = hub.app.services.entrance.turnstile
    monkeypatch.setattr(turnstile, "_most", 0)
    monkeypatch.setattr(turnstile, "_waiting_most", 0)
    late = await hub.connect()
    refused = await late.ask("hello", token=alice.welcome["token"])
    assert (refused["code"], refused["retry"]) == ("busy", "same_id")
    assert 1_000 <= refused["details"]["retry_after_ms"] < 6_000
    monkeypatch.setattr(turnstile, "_most", 1)
    assert (await late.ask("hello", token=alice.welcome["token"]))["type"] == "welcome"


async def test_those_who_must_resume_are_spread(hub: Hub) -> None:
    clients = [await hub.register(f"one{n}") for n in range(8)]
    for party in list(hub.app.services.hub.parties.values()):
        hub.app.services.hub.resync(party)
    waits = []
    for client in clients:
        goodbye = await client.until(lambda frame: frame["type"] == "goodbye")
        waits.append(goodbye["retry_after_ms"])
        with pytest.raises(ConnectionClosed):
            await client.receive()
    assert len(set(waits)) > 1


# First contacts.


async def test_a_new_account_addresses_few_strangers(make_hub: MakeHub) -> None:
    hub = await make_hub(strangers="ask", first_contacts_new_per_h=2, partitions=4)
    eve = await hub.register("eve")
    others = [await hub.register(f"other{n}") for n in range(4)]

    async def writes(n: int, id: str) -> dict[str, Any]:
        return await eve.ask("message", id=id, to=f"@other{n}", text="buy!")

    first = [await writes(0, "m0"), await writes(1, "m1")]
    assert [one["type"] for one in first] == ["ack", "ack"]
    refused = await writes(2, "m2")
    assert (refused["code"], refused["retry"]) == ("rate_limited", "same_id")
    assert refused["details"]["retry_after_ms"] > 1_000_000
    paid = await eve.ask("payment", to="@other3", amount=1, currency="USD")
    assert paid["code"] == "rate_limited"
    assert (await writes(0, "m0")) == {**first[0], "replayed": True}
    assert (await writes(1, "again"))["type"] == "ack"
    await others[2].ask("message", id="hi", to="@eve", text="hello?")
    await eve.until(lambda frame: frame.get("id") == "hi")
    assert (await writes(2, "m2"))["type"] == "ack"  # an answer is no first contact
    assert (await eve.ask("message", to="@eve", text="note"))["type"] == "ack"


async def test_posts_stay_in_order_behind_a_first_contact(make_hub: MakeHub) -> None:
    hub = await make_hub(strangers="ask")
    eve, _ = await hub.register("eve"), await hub.register("bob")
    for n, to in enumerate(("@bob", "@eve", "@bob", "@eve")):
        await eve.send({"type": "message", "id": f"m{n}", "to": to, "text": "x"})
    acks = [await eve.answer(f"m{n}") for n in range(4)]
    assert [one["seq"] for one in acks] == sorted(one["seq"] for one in acks)


async def test_an_account_gets_older(make_hub: MakeHub) -> None:
    hub = await make_hub(strangers="ask", first_contacts_new_per_h=1, first_contacts_per_h=3)
    eve = await hub.register("eve")
    for n in range(4):
        await hub.register(f"other{n}")
    await stored(hub, "HSET", "profile", "@eve", "created", 1_000)
    answers = [await eve.ask("message", to=f"@other{n}", text="hi") for n in range(4)]
    assert [one.get("code", "ack") for one in answers] == ["ack"] * 3 + ["rate_limited"]
