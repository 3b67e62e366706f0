"""The real app against a real hub, driven by keys."""

import contextlib

from textual.events import Key, Paste
from textual.keys import _character_to_key

from client_demo import events
from client_demo.app import ChatApp
from client_demo.client import Client
from client_demo.conversation import Delivery
from client_demo.picture import Scene, Still, connected
from client_demo.widgets.conversations import Conversations
from client_demo.widgets.dialogs import ConfirmPayment
from client_demo.widgets.reader import Reader
from client_demo.widgets.stream import Stream
from tests.support import until

from .frames import payment, returned, settled
from .people import online, soon, token_of

BEGIN = ChatApp.BEGIN


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


def keys(text):
    """The keys of a text, as a terminal sends them."""
    names = {"\r": "enter", "\t": "tab"}
    return [Key(names.get(sign, _character_to_key(sign)), sign) for sign in text]


def burst(app, text):
    """Type a text faster than anything is handled."""
    for key in keys(text):
        app.post_message(key)


def said(app):
    """What the notes on the screen say."""
    return [each.message for each in app._notifications]


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
        assert said(app) == ["nothing was paid"]
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
    async with alice_app(hub) as (app, pilot):
        await type_line(pilot, "/pay @nobody 5.00 castle")
        await pilot.press("y")
        await app.client.until(
            lambda: (
                [line.delivery for line in app.model.conversation("@nobody").lines]
                == [Delivery.REFUSED]
            )
        )
        await pilot.pause()
        assert "@alice wanted to pay 5.00 USD to @nobody" in shown(app)
        assert "not done: there is no such account" in shown(app)
        await type_line(pilot, "/close")
        assert "@nobody" not in app.model.conversations
        assert "You closed @nobody." in shown(app)


async def test_what_the_hub_would_surely_refuse_is_said_before_the_question(hub):
    async with alice_app(hub) as (app, pilot):
        for line in ("/pay @bob 5000.00 castle", "/pay @alice 1.00"):
            await type_line(pilot, line)
            assert not isinstance(app.screen, ConfirmPayment)
            assert app.line.value == line
            app.line.value = ""
        assert said(app) == [
            "5,000.00 USD is more than you have: 100.00 USD",
            "that is you; nobody pays themselves",
        ]


async def test_lines_in_one_burst_are_each_sent_once(hub):
    async with online(hub, "@bob") as bob, alice_app(hub) as (app, pilot):
        await type_line(pilot, "/open @bob")
        texts = [f"line {number}" for number in range(5)]
        burst(app, "".join(f"{text}\r" for text in texts) + "a draft\tof more")
        await bob.sees("@alice", "line 4")
        await pilot.pause()
        assert bob.texts("@alice") == texts
        assert (app.line.value, app.current) == ("a draft of more", "@bob")


async def test_a_burst_of_payments_asks_once_and_pays_nothing(hub):
    async with online(hub, "@bob"), alice_app(hub) as (app, pilot):
        burst(app, "/pay @bob 5.00\r/pay @bob 7.00 yes\ry")
        await pilot.pause()
        assert len([each for each in app.screen_stack if isinstance(each, ConfirmPayment)]) == 1
        assert said(app) == ["one payment at a time: answer the question first"]
        await pilot.press("n")
        await pilot.pause()
        assert "@bob" not in app.model.conversations
        app.line.value = ""
        await pilot.press("up")
        assert app.line.value == "/pay @bob 7.00 yes"


async def test_keys_typed_before_a_question_was_in_view_do_not_answer_it(hub):
    async with online(hub, "@bob"), alice_app(hub) as (app, pilot):
        early = keys("y and more\r")
        await type_line(pilot, "/pay @bob 5.00")
        assert isinstance(app.screen, ConfirmPayment)
        app.open("@bob")
        for key in early:
            app.post_message(key)
        await pilot.pause()
        assert isinstance(app.screen, ConfirmPayment)
        await app.client.until(lambda: app.model.conversation("@bob").lines)
        assert [line.text for line in app.model.conversation("@bob").lines] == ["y and more"]


async def test_a_paste_of_many_lines_is_one_line(hub):
    async with alice_app(hub) as (app, pilot):
        app.line.value = "say: "
        app.line.cursor_position = 5
        app.post_message(Paste("one\ntwo\r\n\tthree\n"))
        await pilot.pause()
        assert app.line.value == "say: one two three"


async def test_up_and_down_go_through_the_lines_typed(hub):
    async with alice_app(hub) as (app, pilot):
        for line in ("/open @bob", "/open @carol", "/open @carol"):
            await type_line(pilot, line)
        await pilot.press("d")
        shows = []
        for key in ("up", "up", "up", "down", "down", "down"):
            await pilot.press(key)
            shows.append(app.line.value)
        assert shows == ["/open @carol", "/open @bob", "/open @bob", "/open @carol", "d", "d"]


async def test_the_first_screen_says_how_to_begin(hub):
    async with alice_app(hub) as (app, pilot):
        assert app.current == "$world"
        assert BEGIN in shown(app)
        await type_line(pilot, "hello?")
        assert app.line.value == ""
        assert said(app) == [f"nobody reads this; {BEGIN}"]


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
        await until(lambda: isinstance(app.screen, Reader))
        await pilot.pause()
        await pilot.press("escape")
        await type_line(pilot, "/open @bob")
        names = app.query_one(Conversations).names
        assert set(names) >= {"@bob", "#tea"}
        await pilot.press("ctrl+n")
        assert app.current == names[(names.index("@bob") + 1) % len(names)]
        await pilot.press("ctrl+b")
        await pilot.pause()
        assert app.current == "@bob"
        await bob.say("#tea", "unread")
        await app.client.until(lambda: app.model.conversation("#tea").unread("@alice") == 1)
        await type_line(pilot, "/leave #tea")
        await pilot.press("y")
        await app.client.until(lambda: "#tea" not in app.model.conversations)
        await pilot.pause()
        assert "#tea" not in app.query_one(Conversations).names
        assert app.current == "@bob", "what is in view stays there"


async def test_a_room_is_left_and_joined_again(hub):
    async with online(hub, "@bob") as bob, alice_app(hub) as (app, pilot):
        await bob.do(type="create", room="#tea")
        await type_line(pilot, "/open #tea")
        assert said(app) == ["you are not in #tea; /join #tea first"]
        app.line.value = ""
        await type_line(pilot, "/join #tea")
        await app.client.until(lambda: app.current == "#tea")
        await type_line(pilot, "/leave")
        await pilot.press("y")
        await app.client.until(lambda: "#tea" not in app.model.conversations)
        await pilot.pause()
        assert app.current is None
        assert "You left #tea." in shown(app)
        await bob.say("#tea", "said while alice was away")
        await type_line(pilot, "/join #tea")
        await app.client.until(lambda: app.current == "#tea")
        await app.client.until(lambda: app.model.shelves["#tea"].oldest is not None)
        await pilot.pause()
        assert app.current == "#tea"
        for text in ("@alice joined", "@alice left", "said while alice was away"):
            assert text in shown(app)


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
            while stream.scroll_y > 0 and len(lines) < 230:
                await pilot.press("pageup")
            await app.client.until(lambda: len(lines) == 230)
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


async def test_what_came_back_is_said_whatever_is_in_view():
    app = Still([connected(USD=1)], current="#general")
    async with app.run_test(size=(80, 24)) as pilot:
        app.client.take(events.EntryCame(returned(5, "p", 500)))
        await pilot.pause()
        assert said(app) == [
            "not delivered to @bob: the other account is frozen and cannot take part;"
            " 5.00 USD is back"
        ]


async def test_money_on_its_way_is_drawn_anew_when_it_arrives():
    sent = payment(5, 500, sender="@alice", to="@bob", id="p", state="accepted")
    app = Still([connected(USD=1), events.EntryCame(sent)], current="@bob")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "on its way to @bob" in shown(app)
        app.client.take(events.EntryCame(settled(6, "p")))
        await pilot.pause()
        assert "on its way" not in shown(app)
        assert "@alice paid 5.00 USD to @bob" in shown(app)


async def test_a_room_that_is_away_was_not_left():
    app = Still([connected(USD=1)], current="#general")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        again = events.Connected("@alice", ("@alice",), {}, version=1, resumed=True)
        app.client.take(again)
        await pilot.pause()
        assert "#general is away, or you left it elsewhere." in shown(app)
        app.client.take(connected(USD=1))
        await pilot.pause()
        assert app.current == "#general", "it is back, and in view"


async def test_the_marks_stand_below_each_other_when_the_scrollbar_comes():
    scene = Scene()
    for number in range(30):
        scene.entry("@alice", to="@bob", text=f"line {number}")
    app = Still([connected(USD=1), *scene.events[:3]], current="@bob")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        stream = app.query_one(Stream)
        assert not stream.show_vertical_scrollbar
        columns = set()
        for event in scene.events[3:]:
            app.client.take(event)
            await pilot.pause()
            rows = [stream.render_line(row).text for row in range(stream.size.height)]
            columns |= {row.index("✓") for row in rows if "line" in row}
        assert stream.show_vertical_scrollbar
        assert len(columns) == 1


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
        assert app.line.value == "/dance"
        assert len(app._notifications) == 1
        app.line.value = ""
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
        await app.client.until(lambda: app.model.wallet.currency and not app.model.waiting)
        await pilot.pause()
        assert shown(app).count("@alice  early bird") == 1


async def test_logout_revokes_the_token_and_ends_the_app(hub):
    async with alice_app(hub) as (app, pilot):
        await type_line(pilot, "/logout")
        await app.client.until(lambda: app.model.stop_code)
        await pilot.pause()
    assert app.model.logged_out
    assert app.return_value is not None
    again = Client(hub.url, "@alice", app.client.link._token, backoff=soon())
    assert (await again.link.run()).code == "token_invalid"


async def test_quit_ends_the_app(hub):
    async with alice_app(hub) as (app, pilot):
        await type_line(pilot, "/quit")
    assert app.return_value == "closed"
