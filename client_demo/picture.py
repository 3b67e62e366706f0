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
        box = str(fields.get("room") or fields["to"])
        box = box if box.startswith("#") and kind != "payment" else "@alice"
        seq = self._seqs[box] = self._seqs.get(box, 0) + 1
        count = len(self.events)
        entry: Frame = {"type": kind, "id": f"id{count}", "from": sender, **fields}
        entry |= {"box": box, "seq": seq, "at": NOON + count * _MINUTE}
        self.events.append(events.EntryCame(entry))
        return entry

    def read(self, reader: str, entry: Frame) -> None:
        """`reader` has read up to `entry`."""
        other = entry["from"] if reader != entry["from"] else entry["to"]
        self.entry(reader, "read", to=other, up_to=entry["id"])


def story() -> list[Event]:
    """What the picture shows."""
    scene = Scene()
    money = {"currency": "USD", "state": "settled"}
    scene.entry("$world", "deposit", to="@alice", amount=10_000, text="Welcome", **money)
    scene.entry("@carol", "create", room="#general")
    scene.entry("@alice", "join", room="#general")
    scene.entry("@carol", to="#general", text="The new machine is here. First coffee is on me!")
    scene.entry("@dave", to="#general", text="On my way.")
    scene.entry("@bob", to="@alice", text="Morning! I picked up coffee for both of us ☕")
    scene.entry("@alice", to="@bob", text="You are the best. What do I owe you?")
    scene.entry(
        "@bob", to="@alice", text="4.50 for the flat white, and the croissant was on the house"
    )
    paid = scene.entry("@alice", "payment", to="@bob", amount=450, text="flat white", **money)
    scene.read("@bob", paid)
    scene.entry("@bob", to="@alice", text="Got it before you put the phone down. Thanks!")
    scene.entry("@bob", to="@alice", text="Here is your share of the concert tickets:")
    scene.entry("@bob", "payment", to="@alice", amount=1_200, text="concert ticket", **money)
    last = scene.entry("@alice", to="@bob", text="And that makes us even for Friday 🎻")
    scene.entry("@carol", to="@alice", text="Lunch at one?")
    scene.read("@alice", last)
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
