"""What the screen looks like at 80 x 24 and 120 x 40. No clock and no chance is in these pictures.

After a wanted change: `pytest tests/client_demo/test_snapshots.py --snapshot-update`, and look.
"""

import pytest
from textual.widgets import Input

from client_demo import events
from client_demo.picture import NOON, PATH, Scene, Still, connected, draw, story

SIZE = (80, 24)
LARGE = (120, 40)


def deliveries():
    """One line of ours in each state."""
    scene = [connected(USD=10_000)]
    for number, text in enumerate(["stored", "read", "refused", "unknown", "sending"]):
        frame = {"type": "message", "id": f"a{number}", "to": "@bob", "text": text}
        scene.append(events.Posted(frame))
        if text in ("stored", "read"):
            # "read" is stored before "stored", because a read mark covers all before it.
            ack = {"id": f"a{number}", "at": 0, "box": "@alice", "seq": 2 - number}
            scene.append(events.Stored(frame, ack))
        elif text == "refused":
            scene.append(events.Refused(frame, "party_frozen", "the other account is frozen"))
        elif text == "unknown":
            scene.append(events.Unknown(frame))
    read = {"type": "read", "id": "r", "from": "@bob", "to": "@alice", "up_to": "a1"}
    scene.append(events.EntryCame(read | {"box": "@alice", "seq": 9, "at": 0}))
    scene.append(events.Disconnected("the connection broke", 1.0))
    return scene


def crossing():
    """Money to another partition: on its way, arrived, read, came back; and words that did."""
    scene = Scene()
    money = {"to": "@bob", "amount": 500, "currency": "USD", "state": "accepted"}
    sent = {
        text: scene.entry("@alice", "payment", text=text, **money)
        for text in ("back", "suspended", "unshown", "read", "arrived", "on its way")
    }
    sent["unshown"]["room"] = "#tea"
    sent["words"] = scene.entry("@alice", to="@bob", text="words that came back")

    def end(text, kind, **fields):
        scene.entry("@alice", kind, **{"to": "@bob", "id": sent[text]["id"], **fields})

    back = {"amount": 500, "currency": "USD", "reason": "party_frozen"}
    end("back", "returned", **back)
    end("suspended", "returned", **back, suspended=True)
    end("words", "returned", reason="unknown_account")
    for text in ("unshown", "read", "arrived"):
        end(text, "settled", amount=500, currency="USD")
    end("unshown", "returned", to="#tea", reason="not_a_member")
    scene.entry("@bob", "read", to="@alice", up_to=sent["read"]["id"])
    return [connected(USD=9_000), *scene.events]


def hostile():
    """Text that tries to leave its place."""
    scene = Scene()
    scene.entry("@bob", to="@alice", text="[bold red]markup[/] [link=x]\x1b[31m\x07 \u202etxt.exe")
    scene.entry("@bob", to="@alice", text="two\nlines, and " + "one_very_long_word" * 6)
    scene.entry("@bob", to="@alice", text="日本語のテキスト " * 8)
    return [connected(USD=10_000), *scene.events]


def entries():
    """Everything that can be said of a line, in a room."""
    scene = Scene()
    first = scene.entry("@carol", to="#general", text="Shall we meet on Friday?")
    scene.about("@bob", "message", first, text="Yes, at *eight*")
    root = {"from": "@carol", "id": first["id"]}
    scene.entry("@alice", to="#general", text="in its thread", thread=root)
    for who, emoji in (("@bob", "👍"), ("@dave", "👍"), ("@carol", "🎉")):
        scene.about(who, "react", first, emoji=emoji)
    scene.about("@bob", "react", first, emoji="👍", remove=True)
    scene.about("@carol", "pin", first)
    typo = scene.entry("@alice", to="#general", text="At the usaul place")
    scene.about("@alice", "edit", typo, text="At the usual place")
    wrong = scene.entry("@dave", to="#general", text="never to be seen")
    scene.about("@dave", "delete", wrong)
    scene.entry("@bob", "forward", to="#general", ref={"from": "@erin", "id": "x"}, text="news")
    scene.entry("@dave", to="#general", text="gone at noon", expires_s=3_600)
    scene.entry("@erin", to="#general", text="", gone="erased")
    scene.entry("@carol", to="#general", text="@alice and @all: look", mentions=["@alice", "@all"])
    scene.entry("@alice", to="#general", text="> Friday?\n```\nat 8\n```\n`yes` **now**")
    return [connected(USD=1), *scene.events]


def room_life():
    """What admins do."""
    scene = Scene()
    scene.entry("@carol", "create", room="#general")
    scene.entry("@dave", "join", room="#general", asks=True)
    scene.entry("@carol", "accept", room="#general", who="@dave")
    scene.entry("@carol", "invite", room="#general", who="@alice")
    scene.entry("@carol", "role", room="#general", who="@bob", role="admin")
    scene.entry("@bob", "topic", room="#general", topic="Tea [b]only[/b]", slow_s=30)
    scene.entry("@bob", "mute", room="#general", who="@dave", for_s=600)
    scene.entry("@bob", "mute", room="#general", who="@dave", remove=True)
    scene.entry("@bob", "kick", room="#general", who="@dave")
    scene.entry("@carol", "ban", room="#general", who="@dave", for_s=604_800)
    scene.entry("@carol", "topic", room="#general", title="Tea", access="private")
    return [connected(USD=1), *scene.events]


def request():
    """A stranger writes and pays; alice has written to somebody who has not answered."""
    scene = Scene()
    money = {"to": "@alice", "amount": 500, "currency": "USD", "state": "waiting"}
    scene.entry("@mallory", to="@alice", text="Hello, we met at the fair")
    scene.entry("@mallory", "payment", text="for the lemonade", **money)
    offered = {**money, "to": "@erin"}
    scene.entry("@alice", "payment", text="my half", **offered)
    listed = [
        {"who": "@mallory", "state": "request", "unread": 2, "waiting": {"USD": 500}},
        {"who": "@erin", "state": "sent", "waiting": {"USD": 500}},
        {"who": "@zoe", "state": "blocked"},
    ]
    scene.answer("conversations", conversations=listed, more=False)
    return [connected(USD=9_000), *scene.events]


def asked(app, kind, question, **answer):
    """Have the app show an answer."""

    async def run(pilot):
        await pilot.pause()  # what lies behind a dialog is not drawn anew while it is open
        question_frame = {"type": kind, "id": "q", **question}
        pilot.app._doing._asked["q"] = ""
        pilot.app.client.take(events.Answered(question_frame, {"id": "q", **answer}))

    return {"app": app, "run_before": run}


@pytest.mark.parametrize("size", [SIZE, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("view", ["@bob", "#general"])
def test_conversation(snap_compare, view, size):
    assert snap_compare(Still(story(), current=view), terminal_size=size)


@pytest.mark.parametrize("size", [SIZE, LARGE], ids=["small", "large"])
def test_everything_that_can_be_said_of_a_line(snap_compare, size):
    assert snap_compare(Still(entries(), current="#general"), terminal_size=size)


def test_words_that_disappeared(snap_compare):
    async def later(pilot):
        pilot.app.model.tick(NOON + 2 * 3_600_000)
        pilot.app.paint_soon()

    app = Still(entries(), current="#general")
    assert snap_compare(app, terminal_size=SIZE, run_before=later)


def test_what_admins_do(snap_compare):
    assert snap_compare(Still(room_life(), current="#general"), terminal_size=SIZE)


@pytest.mark.parametrize("view", ["@mallory", "@erin"])
def test_requests(snap_compare, view):
    assert snap_compare(Still(request(), current=view), terminal_size=SIZE)


def test_a_chosen_line_and_a_command_about_it(snap_compare):
    keys = ("ctrl+up", "ctrl+up", "ctrl+up", "slash", "r", "e")
    assert snap_compare(Still(story(), current="@bob"), terminal_size=SIZE, press=keys)


def test_the_command_palette(snap_compare):
    async def find(pilot):
        await pilot.press("ctrl+p", *"room")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        pilot.app.screen.query_one(Input).cursor_blink = False

    app = Still(story(), current="@bob")
    assert snap_compare(app, terminal_size=SIZE, run_before=find)


def test_the_answer_to_a_search(snap_compare):
    entry = {"type": "message", "id": "m", "from": "@bob", "to": "@alice", "text": "x"}
    entry |= {"box": "@alice", "seq": 7, "at": NOON}
    paid = entry | {"type": "payment", "amount": 450, "currency": "USD", "to": "@alice"}
    hits = [
        {"entry": entry, "snippet": "about the [b]violin[/b]"},
        {"entry": paid, "snippet": "violin strings"},
    ]
    answer = {"type": "found", "hits": hits, "after": "next", "behind": 3}
    app = Still(story(), current="@bob")
    question = {"words": "violin"}
    assert snap_compare(terminal_size=SIZE, **asked(app, "search", question, **answer))


def test_the_members_of_a_room(snap_compare):
    members = [
        {"who": "@carol", "role": "owner"},
        {"who": "@dave", "role": "member", "muted": NOON},
        {"who": "@erin", "role": "reader"},
    ]
    answer = {"type": "members", "room": "#general", "members": members, "more": True}
    app = Still(story(), current="#general")
    question = {"room": "#general"}
    assert snap_compare(terminal_size=SIZE, **asked(app, "members", question, **answer))


def test_the_devices(snap_compare):
    device = {"device": "0123456789abcdef", "name": "teller chat", "since": NOON, "seen": NOON}
    other = device | {"device": "fedcba9876543210", "name": "an old \x1b[31mphone"}
    answer = {"type": "devices", "devices": [device | {"current": True}, other]}
    app = Still(story(), current="@bob")
    assert snap_compare(terminal_size=SIZE, **asked(app, "devices", {}, **answer))


def test_erasing_asks_first(snap_compare):
    async def ask(pilot):
        pilot.app.query_one("#input").value = "/erase"
        await pilot.press("enter")

    app = Still(story(), current="@bob")
    assert snap_compare(app, terminal_size=SIZE, run_before=ask)


def test_another_theme(snap_compare):
    async def change(pilot):
        pilot.app.query_one("#input").value = "/theme textual-light"
        await pilot.press("enter")

    app = Still(story(), current="@bob")
    assert snap_compare(app, terminal_size=SIZE, run_before=change)


def test_every_delivery_state(snap_compare):
    assert snap_compare(Still(deliveries(), current="@bob"), terminal_size=SIZE)


def test_what_goes_to_another_partition(snap_compare):
    assert snap_compare(Still(crossing(), current="@bob"), terminal_size=SIZE)


def test_hostile_text(snap_compare):
    assert snap_compare(Still(hostile(), current="@bob"), terminal_size=SIZE)


def test_payment_dialog(snap_compare):
    async def ask(pilot):
        pilot.app.query_one("#input").value = "/pay @bob 5.00 [b]coffee[/b]"
        await pilot.press("enter")

    app = Still(story(), current="@bob")
    assert snap_compare(app, terminal_size=SIZE, run_before=ask)


def test_help(snap_compare):
    assert snap_compare(Still(story(), current="@bob"), terminal_size=SIZE, press=["f1"])


def test_the_first_screen_of_a_new_account(snap_compare):
    assert snap_compare(Still(story()[:2], current="$world"), terminal_size=SIZE)


def test_a_complaint_covers_neither_the_newest_line_nor_the_input(snap_compare):
    async def mistype(pilot):
        pilot.app.query_one("#input").value = "/dance"
        await pilot.press("enter")

    app = Still(story(), current="@bob")
    assert snap_compare(app, terminal_size=SIZE, run_before=mistype)


@pytest.mark.parametrize("scene", [[], [connected()]], ids=["before", "empty"])
def test_nothing_yet(snap_compare, scene):
    assert snap_compare(Still(scene), terminal_size=SIZE)


async def test_the_picture_in_the_readme_is_what_the_app_draws():
    assert await draw() == PATH.read_text(), "run: python -m client_demo.picture"
