"""What so many users ask of a fleet."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .settings import MONTH_DAYS, People
from .wire import Encoding, message, payment, silence

DAY = 86_400
PING_SECONDS = 20
"""The hub's `ping_interval_s`; `tests/bench/model/test_demand.py` sees that it is the same."""


@dataclass(frozen=True)
class Demand:
    """Per second, as the mean of a day; connections at the busiest time."""

    users: float
    direct: float
    """Messages to a person."""
    room: float
    """Messages to a room."""
    payments: float
    logins: float
    connections: float
    members: float
    """Of the room that a room message goes to."""
    online: float
    """Share of the recipients who are connected."""
    devices: float

    @property
    def posts(self) -> float:
        """Everything that is stored."""
        return self.direct + self.room + self.payments

    @property
    def copies(self) -> float:
        """Copies of room messages that reach a connection."""
        return self.room * (self.members - 1) * self.online * self.devices

    @property
    def deliveries(self) -> float:
        """Copies of everything that reach a connection; a sender's other devices hear it too."""
        others = self.posts * (self.devices - 1)
        return self.copies + (self.direct + self.payments) * self.online * self.devices + others

    def times(self, factor: float) -> Demand:
        """The same people, so many times as busy."""
        rates = ("direct", "room", "payments", "logins")
        return replace(self, **{name: getattr(self, name) * factor for name in rates})


def demand(users: float, people: People) -> Demand:
    """Of so many users with these habits, on average over a day."""
    messages = users * people.messages_a_day / DAY
    return Demand(
        users=users,
        direct=messages * (1 - people.room_share),
        room=messages * people.room_share,
        payments=users * people.payments_a_day / DAY,
        logins=users * people.logins_a_day / DAY,
        connections=users * people.online_share * people.devices,
        members=people.room_members,
        online=people.online_share,
        devices=people.devices,
    )


def egress_bytes(asked: Demand, people: People, encoding: Encoding) -> float:
    """Bytes a second that leave for the clients: acks, entries and pings."""
    direct = message(encoding, people.text_bytes)
    room = message(encoding, people.text_bytes, to_room=True)
    paid = payment(encoding)
    acks = asked.direct * direct.ack + asked.room * room.ack + asked.payments * paid.ack
    each = asked.online * asked.devices + asked.devices - 1
    entries = asked.direct * each * direct.entry + asked.payments * each * paid.entry
    entries += (asked.copies + asked.room * (asked.devices - 1)) * room.entry
    return acks + entries + asked.connections / PING_SECONDS * silence()


def month_of(per_second: float) -> float:
    """What comes together in a month."""
    return per_second * DAY * MONTH_DAYS
