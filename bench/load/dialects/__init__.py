"""The languages that the generator speaks, by name."""

from __future__ import annotations

from .base import Dialect
from .nats import JetStream, Nats
from .plain import PlainJson, SilentJson
from .socketio import SocketIO
from .teller import Json, MessagePack
from .xmpp import Xmpp

DIALECTS: dict[str, Dialect] = {
    one.name: one
    for one in (
        *(Json(), MessagePack(), PlainJson(), SilentJson()),
        *(SocketIO(), Nats(), JetStream(), Xmpp()),
    )
}
