"""Every feature of the messenger on the screen, by keys, against a real hub that asks strangers."""

import contextlib
import json

import pytest
from textual.command import CommandList

from client_demo import looking
from client_demo.app import ChatApp
from client_demo.client import Client
from client_demo.lines import Delivery
from client_demo.widgets.dialogs import Info, Question, Secret
from client_demo.widgets.line import LineInput
from client_demo.widgets.reader import Reader
from client_demo.widgets.stream import Stream
from tests.support import until

from .people import online, password, soon, token_of
from .test_app import said, shown, type_line


@pytest.fixture
async def hub(make_hub):
    """A hub where strangers must be accepted."""
    return await make_hub(strangers="ask")


@contextlib.asynccontextmanager
async def screen(hub, name="@alice"):
    """The app of `name`, connected and with its list read."""
    app = ChatApp(Client(hub.url, name, await token_of(hub.url, name), backoff=soon()))
    async with app.run_test(size=(80, 24)) as pilot:
        await app.client.until(lambda: name in app.model.shelves)
        await settle(app, pilot)
        yield app, pilot


async def settle(app, pilot):
    """Until nothing of ours waits for an answer, and it is painted."""
    await app.client.until(lambda: not app.client.link.session.unanswered)
    await pilot.pause()


@contextlib.asynccontextmanager
async def friends(hub):
    """Bob, and the screen of alice, who know each other and are in view."""
    async with online(hub, "@bob") as bob, screen(hub) as (app, pilot):
        await type_line(pilot, "/open @bob")
        await do(app, pilot, "hello bob")
        await bob.say("@alice", "hello alice")
        await app.client.until(lambda: app.model.standing("@bob").state == "accepted")
        await settle(app, pilot)
        yield bob, app, pilot


async def do(app, pilot, line):
    """Type a line and wait for what comes of it."""
    app.line.value = line
    await pilot.press("enter")
    await pilot.pause()
    await settle(app, pilot)


async def until_true(pilot, condition):
    for _ in range(100):
        if condition():
            return
        await pilot.pause(0.05)
    raise AssertionError


async def until_shown(app, pilot, text):
    async def look():
        await pilot.pause()
        return text in shown(app)

    for _ in range(200):
        if await look():
            return
        await app.client.until(lambda: True)
        await pilot.pause(0.05)
    raise AssertionError(f"{text!r} is not in\n{shown(app)}")


async def test_a_stranger_is_accepted_with_the_money_that_waits(hub):
    async with online(hub, "@mallory") as mallory, screen(hub) as (app, pilot):
        await mallory.say("@alice", "may I?")
        mallory.pay("@alice", 500, text="a gift")
        await app.client.until(lambda: app.model.standing("@mallory").waiting == {"USD": 500})
        await type_line(pilot, "/open @mallory")
        await until_shown(app, pilot, "@mallory is new to you: /accept, /decline or /block")
        await until_shown(app, pilot, "waits: /accept or /decline @mallory")
        await do(app, pilot, "/accept")
        await app.client.until(lambda: app.model.wallet.available("USD") == 10_500)
        await pilot.pause()
        assert "is new to you" not in shown(app)
        assert "@mallory paid 5.00 USD to @alice" in shown(app)
        await mallory.client.until(
            lambda: mallory.lines("@alice")[-1].fate in (Delivery.STORED, Delivery.READ)
        )


async def test_a_stranger_is_declined_and_blocked(hub):
    async with online(hub, "@mallory") as mallory, screen(hub) as (app, pilot):
        mallory.pay("@alice", 500)
        await app.client.until(lambda: app.model.standing("@mallory").state == "request")
        await do(app, pilot, "/decline @mallory")
        await mallory.has(10_000)
        await do(app, pilot, "/block @mallory")
        await type_line(pilot, "/open @mallory")
        await until_shown(app, pilot, "You blocked @mallory")
        await mallory.do(type="message", to="@alice", text="hey")
        assert mallory.lines("@alice")[-1].delivery is Delivery.REFUSED
        await do(app, pilot, "/unblock")
        await mallory.say("@alice", "thanks")
        await until_shown(app, pilot, "thanks")


async def test_a_line_is_chosen_answered_reacted_to_pinned_and_edited(hub):
    async with friends(hub) as (bob, app, pilot):
        await bob.say("@alice", "shall we meet on Friday?")
        await bob.say("@alice", "or not?")
        await until_shown(app, pilot, "or not?")
        await pilot.press("ctrl+up", "ctrl+up")
        await do(app, pilot, "/reply yes, **gladly**")
        await until_shown(app, pilot, "↳ @bob: shall we meet on Friday?")
        assert app.query_one(Stream).selected is None, "a command is about one line, once"
        await pilot.press("ctrl+up", "ctrl+up", "ctrl+up")
        await do(app, pilot, "/react :tada:")
        await do(app, pilot, "/pin ^3")
        await do(app, pilot, "/edit yes, gladly!")
        await bob.client.until(lambda: bob.lines("@alice")[-1].words == "yes, gladly!")
        asked = next(line for line in bob.lines("@alice") if "Friday" in line.text)
        await bob.client.until(lambda: asked.view.reactions == {"🎉": ("@alice",)})
        await until_shown(app, pilot, "(edited)")
        await until_shown(app, pilot, "▴ pinned")
        await type_line(pilot, "/pins")
        assert isinstance(app.screen, Reader)
        await pilot.press("escape")
        await do(app, pilot, "/delete")
        assert isinstance(app.screen, Question)
        await pilot.press("y")
        await until_shown(app, pilot, "(deleted)")


async def test_a_click_chooses_a_line_and_the_palette_goes_on(hub):
    async with friends(hub) as (bob, app, pilot):
        await bob.say("@alice", "click me")
        await until_shown(app, pilot, "click me")
        row = next(n for n in range(20) if "click me" in app.query_one(Stream).render_line(n).text)
        await pilot.click(Stream, offset=(12, row + 1))
        await pilot.pause()
        line = bob.lines("@alice")[-1]
        assert app.query_one(Stream).selected == line.key
        await pilot.press("ctrl+p", *"react")
        found = app.screen.query_one(CommandList)
        for _ in range(100):
            await pilot.pause(0.05)
            if found.option_count == 1:
                break
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert app.line.value == "/react "
        await pilot.press(*":heart", "tab", "enter")
        await bob.client.until(lambda: line.view.reactions == {"❤": ("@alice",)})


async def test_threads_forwards_and_words_that_disappear(hub):
    async with friends(hub) as (bob, app, pilot), online(hub, "@carol") as carol:
        await bob.say("@alice", "the very words")
        await until_shown(app, pilot, "the very words")
        await do(app, pilot, "/thread about them")
        await until_shown(app, pilot, "⌙ thread of @bob: the very words")
        await pilot.press("ctrl+up", "ctrl+up")
        await do(app, pilot, "/thread")
        assert isinstance(app.screen, Reader)
        await pilot.press("escape")
        await do(app, pilot, "/forward @carol")
        await carol.sees("@alice", "the very words")
        assert carol.lines("@alice")[-1].kind == "forward"
        await do(app, pilot, "/vanish 1s for a moment")
        await until_shown(app, pilot, "(disappeared)")


async def test_a_room_from_its_making_to_its_end(hub):
    async with friends(hub) as (bob, app, pilot):
        await do(app, pilot, "/create #tea private Tea and talk")
        assert app.current == "#tea"
        await do(app, pilot, "/invite @bob")
        await bob.client.until(lambda: any(e.kind == "invite" for e in bob.lines("@alice")))
        await bob.do(type="join", room="#tea")
        await until_shown(app, pilot, "@bob joined")
        await do(app, pilot, "/topic all about tea")
        await do(app, pilot, "/role @bob reader")
        await bob.do(type="message", to="#tea", text="hm")
        assert bob.lines("#tea")[-1].delivery is Delivery.REFUSED
        await do(app, pilot, "/role @bob member")
        await do(app, pilot, "/mute @bob 10m")
        await do(app, pilot, "/unmute @bob")
        await bob.say("#tea", "free")
        await do(app, pilot, "@bob welcome")
        await bob.client.until(lambda: bob.model.conversation("#tea").is_called("@bob"))
        await do(app, pilot, "/link 2 1h")
        assert isinstance(app.screen, Info)
        await pilot.press("escape")
        await do(app, pilot, "/slow 5s")
        await do(app, pilot, "/members")
        assert isinstance(app.screen, Reader)
        await pilot.press("escape")
        await pilot.pause()
        for text in ("set the topic “all about tea”", "muted @bob for 10 minutes", "5 seconds"):
            assert text in " ".join(shown(app).split())
        await do(app, pilot, "/ban @bob 7d")
        await bob.client.until(lambda: "#tea" not in bob.model.conversations)
        await do(app, pilot, "/unban @bob")
        await do(app, pilot, "/kick @bob")
        await do(app, pilot, "/leave")
        assert "#tea" in app.model.conversations, "it is asked first"
        await pilot.press("y")
        await settle(app, pilot)
        assert "#tea" not in app.model.conversations


async def test_who_asks_to_join_is_let_in(hub):
    async with friends(hub) as (bob, app, pilot):
        await do(app, pilot, "/create #tea ask")
        await bob.do(type="join", room="#tea")
        await until_shown(app, pilot, "@bob asks to join: /accept @bob or")
        await bob.client.until(lambda: "#tea" not in bob.model.conversations)
        await do(app, pilot, "/accept @bob")
        await bob.client.until(lambda: "#tea" in bob.model.conversations)
        await bob.say("#tea", "thanks")
        await until_shown(app, pilot, "thanks")


async def test_who_only_asked_is_told_so_and_comes_in_when_they_are_let(hub):
    async with friends(hub) as (bob, app, pilot):
        await bob.do(type="create", room="#den", access="ask")
        await do(app, pilot, "/join #den")
        told = [each.message for each in app._notifications]
        assert told == ["you asked: an admin of #den must let you in"]
        assert "#den" not in app.model.conversations
        await bob.do(type="accept", room="#den", who="@alice")
        await app.client.until(lambda: "#den" in app.model.conversations)


async def test_presence_typing_and_receipts(hub):
    async with friends(hub) as (bob, app, pilot):
        await app.client.until(lambda: app.model.people.presence.get("@bob") == "online")
        bob.client.notice({"type": "typing", "to": "@alice"})
        await app.client.until(lambda: app.model.people.typing("@bob"))
        await pilot.pause()
        assert "@bob types…" in str(app.query_one(Stream).border_subtitle)
        assert "there now" in str(app.query_one(Stream).border_title)
        await type_line(pilot, "/away")
        for _ in range(20):  # the hub passes on one in a few seconds
            await pilot.press("h", "backspace")
            await pilot.pause(0.5)
            if bob.model.people.typing("@alice"):
                break
        assert bob.model.people.typing("@alice")
        app.line.value = ""
        await do(app, pilot, "/receipts off")
        await bob.say("@alice", "do you read this?")
        await until_shown(app, pilot, "do you read this?")
        await settle(app, pilot)
        await do(app, pilot, "yes")
        await bob.sees("@alice", "yes")
        asked = next(line for line in bob.lines("@alice") if line.text.startswith("do you"))
        assert asked.delivery is Delivery.STORED


async def test_search_opens_what_was_found(hub):
    async with friends(hub) as (_, app, pilot):
        for number in range(3):
            await do(app, pilot, f"the violin number {number}")
        await type_line(pilot, "/open @alice")
        await do(app, pilot, "/search violin from:@alice")
        assert isinstance(app.screen, Reader)
        assert len(app.screen._items) == 3
        await pilot.press("down", "enter")
        await pilot.pause()
        assert app.current == "@bob"
        chosen = app.model.conversation("@bob").find(app.query_one(Stream).selected)
        assert chosen.words == "the violin number 1", "and there the line that was found"


async def test_a_line_that_was_found_far_back_is_read_and_shown(hub):
    async with friends(hub) as (bob, app, pilot):
        await bob.do(type="create", room="#tea")
        for number in range(120):
            bob.client.post({"type": "message", "to": "#tea", "text": f"cup {number}"})
        await bob.client.until(lambda: not bob.client.link.session.unanswered)
        await do(app, pilot, "/join #tea")
        first = next(e for e in app.model.conversation("#tea").lines if e.text.startswith("cup"))
        assert first.text != "cup 3", "it is not loaded yet"
        await do(app, pilot, "/search cup 3 in:#tea")
        place = [item.seq for item in app.screen._items].index(5)
        app.screen.query_one("#items").highlighted = place
        await pilot.press("enter")
        await app.client.until(lambda: app.query_one(Stream).selected)
        await pilot.pause()
        stream = app.query_one(Stream)
        rows = [stream.render_line(row).text for row in range(stream.size.height)]
        assert any("cup 3 " in row for row in rows), rows


async def test_a_line_that_lies_too_far_back_is_not_looked_for_for_ever(hub, monkeypatch):
    monkeypatch.setattr(looking, "PAGE", 10)
    monkeypatch.setattr(looking, "PAGES_MAX", 2)
    async with friends(hub) as (bob, app, pilot):
        await bob.do(type="create", room="#tea")
        for number in range(120):
            bob.client.post({"type": "message", "to": "#tea", "text": f"cup {number}"})
        await bob.client.until(lambda: not bob.client.link.session.unanswered)
        await do(app, pilot, "/join #tea")
        await do(app, pilot, "/search cup 3 in:#tea")
        place = [item.seq for item in app.screen._items].index(5)
        app.screen.query_one("#items").highlighted = place
        await pilot.press("enter")
        await app.client.until(lambda: "^5 is not to be seen here; try /history" in said(app))
        assert app.query_one(Stream).selected is None


async def test_edit_alone_brings_the_words_to_the_line(hub):
    async with friends(hub) as (bob, app, pilot):
        await do(app, pilot, "the usaul place")
        await do(app, pilot, "/edit")
        line = app.model.conversation("@bob").lines[-1]
        assert app.line.value == f"/edit ^{line.seq} the usaul place"
        app.line.value = app.line.value.replace("usaul", "usual")
        await pilot.press("enter")
        await bob.client.until(lambda: bob.lines("@alice")[-1].words == "the usual place")
        await do(app, pilot, "/info ^" + str(line.seq))
        assert any("before     the usaul place" in i.text.plain for i in app.screen._items)


async def test_money_that_comes_is_told_in_another_conversation(hub):
    async with friends(hub) as (bob, app, pilot):
        await type_line(pilot, "/open @alice")
        bob.pay("@alice", 450, text="flat white")
        await app.client.until(lambda: app.model.wallet.available("USD") == 10_450)
        await pilot.pause()
        assert said(app)[-1] == "@bob paid you 4.50 USD: flat white"


async def test_nobody_by_that_name(hub):
    async with screen(hub) as (app, pilot):
        await type_line(pilot, "/open @nobody")
        await settle(app, pilot)
        await until_shown(app, pilot, "This hub knows no @nobody")


async def test_a_page_grows_by_m(hub):
    async with friends(hub) as (_, app, pilot):
        for number in range(25):
            app.client.post({"type": "message", "to": "@bob", "text": f"violin {number}"})
        await settle(app, pilot)
        await do(app, pilot, "/search violin")
        assert len(app.screen._items) == 20
        await pilot.press("m")
        await settle(app, pilot)
        assert len(app.screen._items) == 25
        await pilot.press("m", "escape")
        await do(app, pilot, "/history 2020-01-01")
        places = {item.opens for item in app.screen._items}
        assert places == {"@bob"}, "the box of all people holds others, too"


async def test_devices_are_shown_and_logged_out(hub):
    async with friends(hub) as (_, app, pilot):
        await token_of(hub.url, "@alice")
        async with online(hub, "@alice", await token_of(hub.url, "@alice")) as other:
            await do(app, pilot, "/devices")
            assert len(app.screen._items) == 3
            await pilot.press("escape")
            await do(app, pilot, "/revoke")
            assert other.model.stop_code == "", "it is asked first"
            await pilot.press("y")
            await other.client.until(lambda: other.model.stop_code)
            assert other.model.stop_code == "4500"
            assert app.model.stop_code == ""


@pytest.mark.parametrize("asked", ["/pay 5.00", "/delete"])
async def test_who_is_logged_out_elsewhere_sends_nothing_more(hub, asked):
    async with friends(hub) as (_, app, pilot):
        token = await token_of(hub.url, "@alice")
        await do(app, pilot, asked)
        assert isinstance(app.screen, Question), "it is open when the link ends"
        async with online(hub, "@alice", token) as other:
            await other.do(type="revoke")
            await app.client.until(lambda: app.model.stop_code)
        await pilot.press("y")
        await type_line(pilot, "am I still there?")
        assert said(app)[-1].startswith("not sent: this device was logged out")
        assert app.line.value == "am I still there?", "it is not lost"
        kinds = [line.kind for line in app.model.conversation("@bob").lines]
        assert kinds == ["message", "message"], "nothing looks as if it were on its way"
        waiting = {frame["type"] for frame in app.client.link.session.unanswered}
        assert not waiting & {"payment", "delete"}, "and nothing is"


async def test_a_profile_is_set_and_seen(hub):
    async with friends(hub) as (bob, app, pilot):
        await do(app, pilot, "/name Alice [b]A.[/b]")
        await do(app, pilot, "/about out for tea")
        answer = await bob.client.ask({"type": "profiles", "who": ["@alice"]})
        (profile,) = answer["profiles"]
        assert (profile["name"], profile["about"]) == ("Alice [b]A.[/b]", "out for tea")
        await do(app, pilot, "/profile @alice")
        assert "Alice [b]A.[/b]" in app.screen._items[0].text.plain


async def test_how_a_conversation_is_arranged_is_kept(hub):
    async with friends(hub) as (_, app, pilot):
        for line in ("/quiet", "/keep", "/keep off", "/archive"):
            await do(app, pilot, line)
        token = await token_of(hub.url, "@alice")
        async with online(hub, "@alice", token) as other:
            await other.client.until(lambda: other.model.standing("@bob").archived)
            standing = other.model.standing("@bob")
            assert (standing.muted, standing.pinned) == (True, False)
        await do(app, pilot, "/conversations")
        shows = [item.text.plain for item in app.screen._items]
        assert any(each.startswith("@bob") and "archived" in each for each in shows)


async def test_everything_is_exported(hub, tmp_path):
    async with friends(hub) as (bob, app, pilot):
        bob.pay("@alice", 450, text="flat white <b>")
        await app.client.until(lambda: app.model.wallet.available("USD") == 10_450)
        await do(app, pilot, f"/export {tmp_path / 'out'}")
        await until(lambda: said(app))  # of its own accord: nothing more comes from the hub
        everything = json.loads((tmp_path / "out" / "teller-alice.json").read_text())
        assert everything["balances"]["USD"]["available"] == 10_450
        texts = [entry.get("text") for entry in everything["entries"]["@alice"]]
        assert "flat white <b>" in texts
        page = (tmp_path / "out" / "teller-alice.html").read_text()
        assert "flat white &lt;b&gt;" in page
        assert "4.50 USD" in page


async def test_an_account_is_erased_after_two_questions(hub):
    async with friends(hub) as (bob, app, pilot):
        await type_line(pilot, "/erase")
        assert isinstance(app.screen, Question)
        await pilot.press("enter")  # the safe answer has the focus
        await pilot.pause()
        assert said(app)[-1] == "nothing was erased"
        await do(app, pilot, "/pay 100.00")
        await pilot.press("y")
        await settle(app, pilot)
        await bob.has(20_000)
        await type_line(pilot, "/erase")
        await pilot.press("y")
        await pilot.pause()
        assert isinstance(app.screen, Secret)
        app.screen.query_one("#secret").value = password("@alice")
        await pilot.press("enter")
        await app.client.until(lambda: app.model.stop_code)
        assert app.model.logged_out
        await bob.do(type="message", to="@alice", text="still there?")
        assert bob.lines("@alice")[-1].delivery is Delivery.REFUSED


async def test_tab_completes_what_is_typed(hub):
    async with friends(hub) as (_, app, pilot):
        await pilot.press(*"/rea", "tab")
        assert app.line.value == "/react "
        await pilot.press(*":hear", "tab")
        assert app.line.value == "/react :heart", "as far as it is clear"
        await pilot.press("tab", "tab")
        assert app.line.value == "/react :heart_eyes:"
        app.line.value = ""
        await pilot.press(*"/open @b", "tab")
        assert app.line.value == "/open @bob "
        await pilot.press("x", "left", "tab")
        assert app.line.value == "/open @bob  x", "in the middle of a line Tab is a blank"
        assert isinstance(app.focused, LineInput)


async def test_the_keys_for_pages_turn_those_of_the_page_in_view(hub):
    async with friends(hub) as (_, app, pilot):
        await pilot.press("f1", "pagedown")
        await pilot.pause()
        page = app.screen.query_one(".dialog")
        await until_true(pilot, lambda: page.scroll_y > 0)
        before = app.current
        await pilot.press("ctrl+n")
        assert app.current == before
        assert isinstance(app.screen, Info)


async def test_themes(hub):
    async with friends(hub) as (_, app, pilot):
        await type_line(pilot, "/theme nord")
        assert app.theme == "nord"
        await type_line(pilot, "/theme nothing")
        assert app.theme == "nord"
        assert said(app)[-1] == "there is no theme 'nothing'; Tab shows them"
