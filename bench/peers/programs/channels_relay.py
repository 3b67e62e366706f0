"""A relay on Django Channels, as its tutorial writes one: people are channels, rooms are groups.

Tuned: the layer is in this process' memory and never full, so that it drops nothing.
"""

from __future__ import annotations

import json

import django
from asgi_server import serve
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

LAYER = {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 10**6}}
settings.configure(CHANNEL_LAYERS={"default": LAYER})
django.setup()

people: dict[str, str] = {}
rooms: set[str] = set()


class Chat(AsyncWebsocketConsumer):
    """One connection. Speaks as much of Teller's JSON as the load needs."""

    async def connect(self) -> None:
        """Accept with the first subprotocol that was offered."""
        await self.accept(next(iter(self.scope["subprotocols"]), None))

    async def receive(self, text_data: str) -> None:
        """Pass a message on as it came, or do what it asks for; then say so."""
        frame, answer = json.loads(text_data), "ack"
        if frame["type"] == "message":
            await self._pass_on(frame["to"], text_data)
        elif frame["type"] == "register":
            people["@" + frame["handle"]] = self.channel_name
            answer = "welcome"
        else:
            rooms.add(frame["room"])
            await self.channel_layer.group_add(frame["room"][1:], self.channel_name)
        await self.send(json.dumps({"type": answer, "id": frame["id"]}, separators=(",", ":")))

    async def _pass_on(self, to: str, text: str) -> None:
        event = {"type": "deliver", "text": text, "by": self.channel_name}
        if to in rooms:
            await self.channel_layer.group_send(to[1:], event)
        else:
            await self.channel_layer.send(people[to], event)

    async def deliver(self, event: dict[str, str]) -> None:
        """Called by the layer; a group's sender is in the group too."""
        if event["by"] != self.channel_name:
            await self.send(event["text"])


serve(Chat.as_asgi())
