"""Draws `docs/teller-chat.svg`, the picture in the README: the real app, fed by events.

Run `python -m client_demo.picture` in the top folder to draw it again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from textual.widgets import Input

from . import events
from .app import ChatApp
from .client import Client
from .events import Event, Frame

PATH = Path(__file__).parent.parent / "docs" / "teller-chat.svg"
SIZE = (100, 28)
NOON = int(datetime(2026, 11, 22, 12, 0, tzinfo=UTC).timestamp() * 1000)
_MINUTE = 60_000


class Still(ChatApp):
    """The app without a hub: it shows `scene` and then keeps still."""

    def __init__(self, scene: Iterable[Event], current: str | None = None) -> None:
        super().__init__(Client("ws://127.0.0.1/ws", "@alice", token=""), zone=UTC)
        self._scene = list(scene)
        self._first = current

    def _tell(self, entry: Frame) -> None:
        """Only what came back: a picture is of what is, not of what just happened."""
        if entry["type"] == "returned":
            super()._tell(entry)

    def start(self) -> None:
        """Take the events instead of connecting."""
        self.query_one("#input", Input).cursor_blink = False
        for event in self._scene:
            self.client.take(event)
        if self._first:
            self.open(self._first)


def connected(**balances: int) -> events.Connected:
    """A first welcome for `@alice`, with balances in minor units."""
    sheet = {name: {"available": amount, "held": 0} for name, amount in balances.items()}
    return events.Connected("@alice", ("@alice", "#general"), sheet, version=1, resumed=False)


class Scene:
    """Builds the entries of a story, a minute apart."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._seqs: dict[str, int] = {}

    def entry(self, sender: str, kind: str = "message", **fields: object) -> Frame:
        """Something that was said, paid or done."""
        box = str(fields.get("room") or fields.get("to") or "@alice")
        box = box if box.startswith("#") and kind != "payment" else "@alice"
        seq = self._seqs[box] = self._seqs.get(box, 0) + 1
        count = len(self.events)
        entry: Frame = {"type": kind, "id": f"id{count}", "from": sender, **fields}
        entry |= {"box": box, "seq": seq, "at": NOON + count * _MINUTE}
        self.events.append(events.EntryCame(entry))
        return entry

    def about(self, sender: str, kind: str, entry: Frame, **fields: object) -> Frame:
        """Something that speaks of an earlier entry, or answers it."""
        ref = {"from": entry["from"], "id": entry["id"]}
        other = entry["to"] if entry["from"] == sender else entry["from"]
        to = entry["box"] if entry["box"].startswith("#") else other
        return self.entry(sender, kind, **{"to": to, "ref": ref, **fields})

    def answer(self, kind: str, question: Frame | None = None, **fields: object) -> None:
        """What the hub answered."""
        asked = {"type": kind, "id": "asked", **(question or {})}
        self.events.append(events.Answered(asked, {"type": kind, "id": "asked", **fields}))

    def notice(self, kind: str, sender: str, **fields: object) -> None:
        """Somebody types, comes or goes."""
        self.events.append(events.Noticed({"type": kind, "from": sender, **fields}))

    def read(self, reader: str, entry: Frame) -> None:
        """`reader` has read up to `entry`."""
        other = entry["from"] if reader != entry["from"] else entry["to"]
        self.entry(reader, "read", to=other, up_to=entry["id"])


def people(scene: Scene) -> None:
    """Who is there, and how alice stands with them."""
    states = {"@bob": "accepted", "@carol": "accepted", "@mallory": "request", "#general": "room"}
    listed: list[Frame] = [{"who": who, "state": state} for who, state in states.items()]
    listed[0]["pinned"] = listed[3]["muted"] = True
    scene.answer("conversations", conversations=listed, more=False)
    scene.answer("watch", online=["@bob"], away=["@carol"])
    profile = {"who": "@bob", "name": "Bob", "about": "on the road until Friday"}
    scene.answer("profiles", profiles=[profile])


def story() -> list[Event]:
    """What the picture shows."""
    scene = Scene()
    money = {"currency": "USD", "state": "settled"}
    scene.entry("$world", "deposit", to="@alice", amount=10_000, text="Welcome", **money)
    scene.entry("@carol", "create", room="#general")
    scene.entry("@alice", "join", room="#general")
    first = scene.entry("@carol", to="#general", text="The new machine is *here*. Coffee is on me!")
    scene.entry("@dave", to="#general", text="On my way.")
    for who in ("@dave", "@alice"):
        scene.about(who, "react", first, emoji="🎉")
    scene.entry("@bob", to="@alice", text="Morning! I picked up coffee for both of us ☕")
    owed = scene.entry("@alice", to="@bob", text="You are the best. What do I owe you?")
    scene.about("@bob", "message", owed, text="**4.50** for the flat white, the cake is on me")
    paid = scene.entry("@alice", "payment", to="@bob", amount=450, text="flat white", **money)
    scene.about("@bob", "react", paid, emoji="❤")
    scene.read("@bob", paid)
    tickets = scene.entry("@bob", to="@alice", text="Tickets: https://tickets.example/violin")
    scene.about("@bob", "edit", tickets, text="Our tickets: https://tickets.example/viola")
    scene.about("@alice", "pin", tickets)
    scene.entry("@bob", "payment", to="@alice", amount=1_200, text="your half", **money)
    last = scene.entry("@alice", to="@bob", text="And that makes us even for Friday 🎻")
    scene.entry("@carol", to="@alice", text="Lunch at one?")
    scene.read("@alice", last)
    scene.entry("@mallory", to="@alice", text="Hello, we met at the fair")
    people(scene)
    scene.notice("typing", "@bob", to="@alice")
    frame = {"type": "message", "id": "sending", "to": "@bob", "text": "See you at eight!"}
    return [connected(USD=10_750, EUR=2_000), *scene.events, events.Posted(frame)]


async def draw() -> str:
    """The picture, as SVG."""
    app = Still(story(), current="@bob")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        picture = app.export_screenshot(title="teller chat --as alice")
    # A picture in a page loads nothing from elsewhere; any monospaced font will do.
    return re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)


if __name__ == "__main__":
    PATH.write_text(asyncio.run(draw()))
