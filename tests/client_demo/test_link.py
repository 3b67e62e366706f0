"""The link against a real hub: two people, broken connections, exactly once."""

import asyncio
import shutil

import pytest

from client_demo import events
from client_demo.conversation import Delivery
from client_demo.model import Connection
from client_demo.signin import SigninError, sign_in
from client_demo.wire import Wire, WireError, tls
from server.entering.snapshot import GAP_MAX

from .people import Person, online, password, token_of

OPENING = 10_000


async def test_two_people_chat_and_pay(hub):
    async with online(hub, "@alice") as alice, online(hub, "@bob") as bob:
        await alice.say("@bob", "hello")
        await bob.sees("@alice", "hello")
        await bob.say("@alice", "hello yourself")
        await alice.sees("@bob", "hello yourself")
        await alice.stored("@bob", alice.pay("@bob", 500, text="coffee"))
        await bob.sees("@alice", "coffee")
        await alice.has(OPENING - 500)
        await bob.has(OPENING + 500)
        assert alice.texts("@bob") == bob.texts("@alice") == ["hello", "hello yourself", "coffee"]


async def test_a_refused_payment_says_why_and_moves_nothing(hub):
    async with online(hub, "@alice") as alice, online(hub, "@bob") as bob:
        alice.pay("@bob", OPENING + 1)
        await alice.client.until(
            lambda: [each for each in alice.had(events.Refused) if "to" in each.frame]
        )
        refused = [each for each in alice.had(events.Refused) if "amount" in each.frame]
        assert [each.code for each in refused] == ["insufficient_funds"]
        assert [line.delivery for line in alice.lines("@bob")] == [Delivery.REFUSED]
        await alice.say("@bob", "after it")
        await bob.sees("@alice", "after it")
        assert bob.texts("@alice") == ["after it"]
        await alice.do(type="balance")
        await alice.has(OPENING)


async def test_rooms(hub):
    async with online(hub, "@alice") as alice, online(hub, "@bob") as bob:
        await alice.do(type="create", room="#tea")
        await bob.do(type="join", room="#tea")
        await alice.say("#tea", "who wants tea?")
        await bob.sees("#tea", "who wants tea?")
        kinds = ("create", "join", "message")
        await alice.client.until(lambda: {line.kind for line in alice.lines("#tea")} == {*kinds})
        assert [line.kind for line in alice.lines("#tea")] == [*kinds]
        await bob.do(type="members", room="#tea")
        pages = [each.answer for each in bob.had(events.Answered)]
        (page,) = [each for each in pages if each["type"] == "members"]
        assert [(each["who"], each["role"]) for each in page["members"]] == [
            ("@alice", "owner"),
            ("@bob", "member"),
        ]
        await bob.do(type="leave", room="#tea")
        assert "#tea" not in bob.model.conversations


async def test_a_payment_shown_in_a_room_is_seen_there_by_everyone(hub):
    async with online(hub, "@alice") as alice, online(hub, "@bob") as bob:
        await alice.do(type="create", room="#tea")
        await bob.do(type="join", room="#tea")
        await alice.stored("@bob", alice.pay("@bob", 500, text="tea", room="#tea"))
        await bob.sees("#tea", "tea")
        await bob.sees("@alice", "tea")
        await alice.sees("#tea", "tea")
        await alice.has(OPENING - 500)
        await bob.has(OPENING + 500)
        assert alice.texts("#tea").count("tea") == 1


async def test_a_payment_cut_off_before_its_answer_happens_once(hub):
    async with online(hub, "@alice") as alice, online(hub, "@bob") as bob:

        def cut(event: events.Event) -> None:
            sent = isinstance(event, events.Sent) and event.frame["type"] == "payment"
            if sent and not alice.had(events.Disconnected):
                alice.client.link.cut()

        alice.client.listen(cut)
        id = alice.pay("@bob", 500, text="once")
        await alice.client.answered(id)
        await alice.stored("@bob", id)
        assert [each.frame["id"] for each in alice.had(events.Unknown)] == [id]
        assert alice.had(events.Connected)[-1].resumed
        assert [each.frame["id"] for each in alice.had(events.Stored)] == [id]
        await bob.say("@alice", "after it")
        await alice.sees("@bob", "after it")
        assert bob.texts("@alice") == alice.texts("@bob") == ["once", "after it"]
        await alice.has(OPENING - 500)
        await bob.has(OPENING + 500)


async def test_a_storm_of_broken_connections_loses_and_doubles_nothing(hub):
    async with online(hub, "@alice") as alice, online(hub, "@bob") as bob:
        ids = []
        for number in range(30):
            ids.append(alice.pay("@bob", 10, text=str(number)))
            if number % 3 == 2:
                # Kill at once, kill on the wire, kill when stored: one after the other.
                if number % 9 == 5:
                    await alice.client.until(lambda: alice.had(events.Sent))
                if number % 9 == 8:
                    await alice.stored("@bob", ids[0])
                hub.kill_connections()
        for id in ids:
            await alice.client.answered(id)
            await alice.stored("@bob", id)
        await alice.has(OPENING - 300)
        await bob.has(OPENING + 300)
        await bob.client.until(lambda: len(bob.lines("@alice")) == 30)
        assert sorted(line.id for line in bob.lines("@alice")) == sorted(ids)
        assert len(alice.lines("@bob")) == 30
        assert len(alice.had(events.Stored)) == 30


async def test_a_hub_that_restarts_is_found_again(make_hub, unused_tcp_port):
    hub = await make_hub(port=unused_tcp_port)
    async with online(hub, "@alice") as alice, online(hub, "@bob") as bob:
        await alice.stored("@bob", alice.pay("@bob", 500, text="before"))
        await hub.stop()
        await alice.client.until(lambda: alice.had(events.Disconnected))
        (goodbye,), lost = alice.had(events.Farewell), alice.had(events.Disconnected)[0]
        assert lost.retry_in >= goodbye.retry_after_ms / 1000, "as late as the hub asked"
        id = alice.pay("@bob", 300, text="meanwhile")
        assert alice.lines("@bob")[-1].delivery is Delivery.SENDING, "never sent, so not unknown"
        await make_hub(port=unused_tcp_port)
        await alice.stored("@bob", id)
        await bob.sees("@alice", "meanwhile")
        assert bob.texts("@alice") == alice.texts("@bob") == ["before", "meanwhile"]
        await alice.has(OPENING - 800)
        await bob.has(OPENING + 800)


async def test_what_was_missed_while_away_comes_after_the_reconnect(hub):
    async with online(hub, "@alice") as alice:
        async with online(hub, "@bob") as bob:
            await bob.say("@alice", "one")
            await alice.sees("@bob", "one")
            alice.client.link.cut()
            for text in ("two", "three"):
                await bob.say("@alice", text)
        await alice.sees("@bob", "three")
        assert alice.texts("@bob") == ["one", "two", "three"]


async def test_a_gap_too_long_for_the_resume_is_filled_from_history(make_hub):
    hub = await make_hub(rate_limits=False)
    count = GAP_MAX + 350
    token = await token_of(hub.url, "@alice")
    async with online(hub, "@alice", token) as early:
        kept = early.client.link.session.cursors
    async with online(hub, "@bob") as bob:
        for number in range(count):
            last = bob.client.post({"type": "message", "to": "@alice", "text": str(number)})
        await bob.client.answered(last)
    late = Person("@alice", hub.url, token)
    late.client.link.session.cursors = kept
    running = asyncio.create_task(late.client.link.run())
    await late.client.until(lambda: len(late.lines("@bob")) == count, seconds=30)
    assert late.texts("@bob") == [str(number) for number in range(count)]
    assert kept.gap("@alice") is None
    await late.client.link.close()
    await running


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate")
async def test_wss_trusts_the_authority_that_was_named_and_no_other(make_hub, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    openssl = await asyncio.create_subprocess_exec(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"),
        *("-addext", "subjectAltName=IP:127.0.0.1"),
        *("-keyout", str(key), "-out", str(certificate)),
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await openssl.wait() == 0
    hub = await make_hub(tls_cert=certificate, tls_key=key)
    assert hub.url.startswith("wss:")
    trusting = tls(hub.url, certificate)
    assert await sign_in(hub.url, "alice", password("@alice"), lambda: True, trusting)
    with pytest.raises(WireError) as caught:
        await Wire.dial(hub.url, tls(hub.url, None))
    assert caught.value.final
    assert "certificate" in str(caught.value)


async def test_later_frames_wait_behind_one_that_the_hub_could_not_take(make_hub):
    hub = await make_hub(posts_burst=2, posts_per_s=4)
    async with online(hub, "@alice") as alice, online(hub, "@bob") as bob:
        for text in ("one", "two", "three"):
            alice.client.post({"type": "message", "to": "@bob", "text": text})
        await alice.client.until(lambda: alice.had(events.Again))
        await alice.client.answered(
            alice.client.post({"type": "message", "to": "@bob", "text": "four"})
        )
        assert alice.had(events.Again)[0].code == "rate_limited"
        sent = [each.frame.get("text") for each in alice.had(events.Sent)]
        sent = [text for text in sent if text]
        assert sent[:5] == ["one", "two", "three", "three", "four"]
        await bob.sees("@alice", "four")
        assert bob.texts("@alice") == ["one", "two", "three", "four"]


async def test_two_devices_show_the_same(hub):
    token = await token_of(hub.url, "@alice")
    async with (
        online(hub, "@alice", token) as phone,
        online(hub, "@alice", token) as desk,
        online(hub, "@bob") as bob,
    ):
        await phone.say("@bob", "from the phone")
        await desk.sees("@bob", "from the phone")
        await bob.say("@alice", "answer")
        await phone.sees("@bob", "answer")
        await desk.sees("@bob", "answer")
        phone.client.mark_read("@bob")
        unread = desk.model.conversation("@bob").unread
        await desk.client.until(lambda: unread("@alice") == 0)
        await bob.client.until(
            lambda: [line.delivery for line in bob.lines("@alice")][-1] is Delivery.READ
        )


async def test_history_goes_back_page_by_page(hub):
    async with online(hub, "@alice") as alice, online(hub, "@bob") as bob:
        ids = [
            alice.client.post({"type": "message", "to": "@bob", "text": str(number)})
            for number in range(250)
        ]
        for id in ids:
            await alice.stored("@bob", id)
        token = await token_of(hub.url, "@bob")
        async with online(hub, "@bob", token) as late:
            assert late.client.read_box("@bob")
            assert not late.client.read_box("@bob"), "one page at a time"
            await late.client.until(lambda: len(late.lines("@alice")) >= 199)
            while late.client.read_box("@bob"):
                pages = len(late.had(events.Page))
                await late.client.until(lambda seen=pages: len(late.had(events.Page)) > seen)
            assert late.texts("@alice") == bob.texts("@alice") == alice.texts("@bob")
            assert sorted(late.texts("@alice"), key=int) == [str(number) for number in range(250)]


async def test_a_token_that_is_not_valid_stops_the_link(hub):
    person = Person("@alice", hub.url, "no such token")
    stopped = await person.client.link.run()
    assert stopped.code == "token_invalid"
    assert person.model.connection is Connection.STOPPED


async def test_logging_out_stops_the_link_for_good(hub):
    person = Person("@alice", hub.url, await token_of(hub.url, "@alice"))
    person.client.post({"type": "logout"})
    stopped = await person.client.link.run()
    assert stopped.code == "4500"
    assert not person.had(events.Disconnected)


async def test_nobody_there_is_tried_again_until_the_link_is_closed(unused_tcp_port):
    person = Person("@alice", f"ws://127.0.0.1:{unused_tcp_port}/ws", "token")
    person.client.listen(
        lambda _: len(person.had(events.Disconnected)) >= 3 and person.client.link.leave()
    )
    stopped = await person.client.link.run()
    assert stopped.code == "closed"
    assert person.had(events.Disconnected)[0].reason == "nobody listens there"


async def test_a_wrong_path_is_final(hub):
    with pytest.raises(WireError) as caught:
        await Wire.dial(hub.url.removesuffix("/ws") + "/nothing", None)
    assert caught.value.final


async def test_a_wrong_password_is_refused(hub):
    await token_of(hub.url, "@alice")
    with pytest.raises(SigninError) as caught:
        await sign_in(hub.url, "alice", "not the password", lambda: True)
    assert caught.value.code == "login_failed"


async def test_a_new_account_needs_a_yes(hub):
    with pytest.raises(SigninError) as caught:
        await sign_in(hub.url, "carol", password("@carol"), lambda: False)
    assert caught.value.code == "login_failed"
    assert await sign_in(hub.url, "carol", password("@carol"), lambda: True)
