"""What the screen looks like at 80 x 24. No clock and no chance is in these pictures.

After a wanted change: `pytest tests/client_demo/test_snapshots.py --snapshot-update`, and look.
"""

import pytest

from client_demo import events
from client_demo.picture import PATH, Scene, Still, connected, draw, story

SIZE = (80, 24)


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


def test_conversation(snap_compare):
    assert snap_compare(Still(story(), current="@bob"), terminal_size=SIZE)


def test_room(snap_compare):
    assert snap_compare(Still(story(), current="#general"), terminal_size=SIZE)


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
