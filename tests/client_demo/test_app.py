"""The real app against a real hub, driven by keys."""

import asyncio
import contextlib

from client_demo import events
from client_demo.app import ChatApp
from client_demo.client import Client
from client_demo.conversation import Delivery
from client_demo.picture import Scene, Still, connected
from client_demo.widgets.conversations import Conversations
from client_demo.widgets.dialogs import ConfirmPayment, Info
from client_demo.widgets.stream import Stream

from .people import online, soon, token_of


@contextlib.asynccontextmanager
async def alice_app(hub):
    """The app of alice, connected."""
    token = await token_of(hub.url, "@alice")
    app = ChatApp(Client(hub.url, "@alice", token, backoff=soon()))
    async with app.run_test(size=(80, 24)) as pilot:
        await app.client.until(lambda: app.model.shelves.get("@alice") is not None)
        await app.client.until(lambda: app.model.shelves["@alice"].oldest is not None)
        await pilot.pause()
        yield app, pilot


async def type_line(pilot, text):
    """Type a line, key by key, and press Enter."""
    names = {" ": "space", "/": "slash", "@": "at", "#": "number_sign", ".": "full_stop"}
    await pilot.press(*(names.get(sign, sign) for sign in text), "enter")
    await pilot.pause()


def shown(app):
    """The rows of the stream, as text."""
    return "\n".join(strip.text for strip in app.query_one(Stream)._rows)


async def test_talking_and_being_answered(hub):
    async with online(hub, "@bob") as bob, alice_app(hub) as (app, pilot):
        await type_line(pilot, "/open @bob")
        await type_line(pilot, "hello bob")
        await bob.sees("@alice", "hello bob")
        await bob.say("@alice", "[b]hello[/b] alice")
        await app.client.until(lambda: len(app.model.conversation("@bob").lines) == 2)
        await pilot.pause()
        assert app.current == "@bob"
        assert "hello bob" in shown(app)
        assert "[b]hello[/b] alice" in shown(app)
        # What is in view was read, and bob can see that.
        await bob.client.until(
            lambda: bob.lines("@alice")[-1].delivery is Delivery.READ, seconds=10
        )


async def test_paying_asks_first(hub):
    async with online(hub, "@bob") as bob, alice_app(hub) as (app, pilot):
        await type_line(pilot, "/pay @bob 5.00 coffee")
        assert isinstance(app.screen, ConfirmPayment)
        await pilot.press("enter")  # the safe answer has the focus
        await pilot.pause()
        assert not isinstance(app.screen, ConfirmPayment)
        assert not [each for each in app.client.link.session.unanswered if "amount" in each]
        await type_line(pilot, "/pay @bob 5.00 coffee")
        await pilot.press("y")
        await bob.sees("@alice", "coffee")
        await bob.has(10_500)
        await app.client.until(lambda: app.model.wallet.available("USD") == 9_500)
        await pilot.pause()
        assert app.current == "@bob"
        assert "@alice paid 5.00 USD to @bob  coffee" in shown(app)
        assert bob.texts("@alice") == ["coffee"], "paid once"


async def test_a_refusal_is_shown_at_its_line(hub):
    async with online(hub, "@bob"), alice_app(hub) as (app, pilot):
        await type_line(pilot, "/pay @bob 5000.00 castle")
        await pilot.press("y")
        await app.client.until(
            lambda: (
                [line.delivery for line in app.model.conversation("@bob").lines]
                == [Delivery.REFUSED]
            )
        )
        await pilot.pause()
        assert "not done: there is not enough money" in shown(app)


async def test_rooms_and_keys(hub):
    async with online(hub, "@bob") as bob, alice_app(hub) as (app, pilot):
        await bob.do(type="create", room="#tea")
        await bob.say("#tea", "said before alice came")
        await type_line(pilot, "/join #tea")
        await app.client.until(lambda: app.current == "#tea")
        await app.client.until(lambda: app.model.shelves["#tea"].oldest is not None)
        await pilot.pause()
        assert "said before alice came" in shown(app)
        await type_line(pilot, "/members")
        await app.client.until(lambda: isinstance(app.screen, Info))
        await pilot.pause()
        await pilot.press("escape")
        await type_line(pilot, "/open @bob")
        names = app.query_one(Conversations).names
        assert set(names) >= {"@bob", "#tea"}
        await pilot.press("ctrl+n")
        assert app.current == names[(names.index("@bob") + 1) % len(names)]
        await pilot.press("ctrl+p")
        await pilot.pause()
        assert app.current == "@bob"
        await bob.say("#tea", "unread")
        await app.client.until(lambda: app.model.conversation("#tea").unread("@alice") == 1)
        await type_line(pilot, "/leave #tea")
        await app.client.until(lambda: "#tea" not in app.model.conversations)
        await pilot.pause()
        assert "#tea" not in app.query_one(Conversations).names


async def test_scrolling_up_loads_older_lines_and_keeps_the_place(hub):
    async with online(hub, "@bob") as bob:
        await token_of(hub.url, "@alice")
        ids = [
            bob.client.post({"type": "message", "to": "@alice", "text": f"line {number}"})
            for number in range(230)
        ]
        for id in ids:
            await bob.stored("@alice", id)
        async with alice_app(hub) as (app, pilot):
            await type_line(pilot, "/open @bob")
            stream = app.query_one(Stream)
            assert stream.at_end
            assert "line 229" in shown(app)
            assert "line 5 " not in shown(app)
            lines = app.model.conversation("@bob").lines
            oldest = lines[0].text
            async with asyncio.timeout(20):
                while len(lines) < 230:
                    await pilot.press("pageup")
                    await pilot.pause()
            await pilot.pause()
            assert "line 5 " in shown(app)
            assert stream.scroll_y > 0
            assert any(f"{oldest} " in stream.render_line(row).text for row in range(4))


async def test_a_long_conversation_is_drawn_as_far_as_it_is_looked_at():
    scene = Scene()
    for number in range(1200):
        scene.entry("@bob", to="@alice", text=f"line {number}.")
    app = Still([connected(USD=1), *scene.events[:-1]], current="@bob")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        stream = app.query_one(Stream)
        assert len(stream._rows) < 600
        assert "line 1198." in stream.render_line(stream.size.height - 1).text
        for _ in range(3):
            stream.scroll_home(animate=False)
            await pilot.pause()
        assert "line 0." in shown(app)
        stream.scroll_to(y=40, animate=False)
        await pilot.pause()
        top = stream.render_line(0).text
        app.client.take(scene.events[-1])
        await pilot.pause()
        assert stream.render_line(0).text == top, "a new line below moves nothing in view"
        stream.scroll_end(animate=False)
        await pilot.pause()
        assert "line 1199." in stream.render_line(stream.size.height - 1).text


async def test_a_broken_connection_is_shown_and_heals(hub):
    async with online(hub, "@bob") as bob, alice_app(hub) as (app, pilot):
        states = []
        app.client.listen(lambda _: states.append(app.model.connection.value))
        happened = []
        app.client.listen(happened.append)
        await type_line(pilot, "/open @bob")
        hub.kill_connections()
        await type_line(pilot, "said meanwhile")
        await bob.sees("@alice", "said meanwhile")
        await app.client.until(lambda: any(isinstance(e, events.Connected) for e in happened))
        assert "reconnecting" in states
        await app.client.until(lambda: app.model.waiting == 0)
        assert bob.texts("@alice") == ["said meanwhile"]


async def test_mistakes_are_answered_and_keep_the_line(hub):
    async with alice_app(hub) as (app, pilot):
        await type_line(pilot, "/dance")
        assert app.query_one("#input").value == "/dance"
        assert len(app._notifications) == 1
        app.query_one("#input").value = ""
        await type_line(pilot, "/join #nowhere")
        await app.client.until(lambda: not app.client.link.session.unanswered)
        await pilot.pause()
        assert len(app._notifications) == 2
        assert "#nowhere" not in app.model.conversations


async def test_the_balance_is_asked_for_and_shown(hub):
    async with alice_app(hub) as (app, pilot):
        await type_line(pilot, "/balance")
        await app.client.until(lambda: not app.client.link.session.unanswered)
        await pilot.pause()
        assert [each.message for each in app._notifications] == ["100.00 USD"]


async def test_what_is_typed_before_the_hub_is_there_goes_out_later(make_hub, unused_tcp_port):
    hub = await make_hub(port=unused_tcp_port)
    token = await token_of(hub.url, "@alice")
    await token_of(hub.url, "@bob")
    await hub.stop()
    app = ChatApp(Client(hub.url, "@alice", token, backoff=soon()))
    async with app.run_test(size=(80, 24)) as pilot:
        await type_line(pilot, "/open @bob")
        await type_line(pilot, "early bird")
        assert [line.delivery for line in app.model.conversation("@bob").lines] == [
            Delivery.SENDING
        ]
        await make_hub(port=unused_tcp_port)
        await app.client.until(lambda: app.model.wallet.lines() and not app.model.waiting)
        await pilot.pause()
        assert shown(app).count("@alice  early bird") == 1


async def test_quit_ends_the_app(hub):
    async with alice_app(hub) as (app, pilot):
        await type_line(pilot, "/quit")
    assert app.return_value == "closed"
