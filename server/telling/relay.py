"""Live delivery to whichever hub holds the recipient: what was committed here is told there.

The store's log is the truth, this channel a wake-up: a hub that missed something finds out by
position, and reads it (`catchup`). The name of a channel is the key of the box, sharded, so that it
lies with the box at one primary, and comes by the connection that carries the box's posts.

A hub subscribes to a box when somebody there begins to listen, and says so on it (`LISTENS`). Who
hears that tells what it commits to this box, until the store's answer to a publication shows that
nobody else listens any more. Of a box that nobody here listens to, everything is told. So a box
whose listeners are all at one hub costs nothing, and neither does anything where a hub is alone.

No entry slips between. Another hub subscribes, says `LISTENS`, and reads where the box stands, in
this order on one connection. An entry committed before that reading is in it. One that is committed
after it is answered to this hub after the other's `LISTENS` came here, because both come by one
connection, in the store's order; so it is published, and the other hub is subscribed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from enum import IntEnum
from functools import partial
from struct import Struct
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, UnsetType

from protocol.frames import (
    BalanceAfter,
    DeliveredEntry,
    PresenceNotice,
    ReadEntry,
    TypingNotice,
)

from ..faults import FAULT
from ..ledger.keys import Keyspace
from ..store.connection import Channel, Down

if TYPE_CHECKING:
    from .hub import Hub

ID_BYTES = 8
LOSES = FAULT == "lose-relay"
_HEAD = Struct(">BQI")
_MONEY = Struct(">qQQ")
Notice = TypingNotice | PresenceNotice | ReadEntry | DeliveredEntry
_encode = msgspec.msgpack.Encoder().encode
_read_notice = msgspec.msgpack.Decoder(Notice).decode


class Word(IntEnum):
    """What a part of a publication is: `kind, seq, length`, and as many bytes."""

    ENTRY = 0
    """An entry of the box, as stored."""
    MONEY = 1
    """The same, behind the balance of the box's owner right after it."""
    LISTENS = 2
    """The sender has listeners of this box now."""
    JOINED = 3
    """The account, whose box it is, is a member of the room named; its entry there is `seq`, or
    not known where that is 0."""
    NOTICE = 4
    """An ephemeral frame: not stored, and nobody looks for it if it is lost."""
    HUB = 5
    """Of hubs; see `hubs.py`."""
    LOOK = 6
    """See whether the account, whose box it is, may stay."""


class Ear:
    """Who hears what other hubs tell. The names are those of boxes."""

    def entry(self, name: str, seq: int, stored: bytes, balance: BalanceAfter | UnsetType) -> None:
        """An entry was committed by another hub."""

    def joined(self, name: str, room: str, seq: int) -> None:
        """The account `name` is a member of `room`."""

    def notice(self, name: str, frame: Notice) -> None:
        """An ephemeral frame."""

    def look(self, name: str) -> None:
        """Something is wrong with the account `name`."""

    def heard(self) -> None:
        """This was all of one publication."""


class Relay:
    """Subscriptions and publications of one hub."""

    def __init__(self, keyspace: Keyspace, channel: Callable[[int], Channel], hub: Hub) -> None:
        self.id = secrets.token_bytes(ID_BYTES)
        """This hub, for as long as it runs."""
        self.others = False
        """Whether other hubs are on this store. Alone, nothing is published or subscribed."""
        self.elsewhere: set[str] = set()
        """Boxes that are known, or must be assumed, to have listeners at other hubs."""
        self.ear = Ear()
        """Hears what others tell of boxes."""
        self.on_hub: Callable[[bytes, bytes], None] = lambda hub, word: None
        """Takes what hubs say of themselves: whose id, and which word."""
        self.on_listen: Callable[[list[str]], None] = lambda names: None
        """Told of new subscriptions, which may have missed something."""
        self.published = 0
        self.heard = 0
        self._keyspace = keyspace
        self._channel = channel
        self._hub = hub
        self._subscribed: set[str] = set()
        self._idle: set[str] = set()
        """Subscribed boxes that nobody listened to when last looked at."""
        self._parts: dict[str, list[bytes]] = {}
        """What will be published at the end of this answer, by box."""

    # What is told.

    def entry(
        self, name: str, seq: int, at: int, body: bytes, balance: BalanceAfter | UnsetType
    ) -> None:
        """Tell other hubs of an entry that is committed. `flush` must follow."""
        stored = b"%013d%b" % (at, body)
        if balance is UNSET:
            self._add(name, Word.ENTRY, seq, stored)
        else:
            money = _MONEY.pack(balance.available, balance.held, balance.version)
            self._add(name, Word.MONEY, seq, money + stored)

    def joined(self, who: str, room: str, seq: int = 0) -> None:
        """Tell the other hubs where `who` is connected of a room joined. `flush` must follow."""
        if self.others and (who in self.elsewhere or who not in self._hub.parties):
            self._add(who, Word.JOINED, seq, room.encode())

    def notice(self, name: str, frame: Notice) -> None:
        """Tell those who listen to `name` at other hubs an ephemeral frame, if that is easy."""
        if self.others and (name in self.elsewhere or self._hub.find(name) is None):
            self._add(name, Word.NOTICE, 0, _encode(frame))
            self.flush()

    def look(self, name: str) -> None:
        """Let the other hubs where the account `name` is connected see whether it may stay."""
        if self.others and (name in self.elsewhere or name not in self._hub.parties):
            self._add(name, Word.LOOK, 0, b"")
            self.flush()

    def flush(self) -> None:
        """Publish what was told, with one publication for each box."""
        if not self._parts:
            return
        told, self._parts = self._parts, {}
        for name, parts in told.items():
            self._publish(name, b"".join(parts))

    def say(self, channel: bytes, partition: int, word: bytes) -> None:
        """Tell the hubs subscribed to `channel` something of ourselves.

        Raises:
            Down: there is no store.
        """
        payload = self.id + _HEAD.pack(Word.HUB, 0, len(word)) + word
        self._channel(partition).send(("SPUBLISH", channel, payload), _ignore)

    def _add(self, name: str, word: Word, seq: int, data: bytes) -> None:
        parts = self._parts.get(name)
        if parts is None:
            parts = self._parts[name] = [self.id]
        parts += (_HEAD.pack(word, seq, len(data)), data)

    def _publish(self, name: str, payload: bytes) -> None:
        if LOSES:
            return
        keys = self._keyspace.of(name)
        try:
            channel = self._channel(keys.partition)
            channel.send(("SPUBLISH", keys.box, payload), partial(self._published, name))
        except Down:
            return  # the others find it by position
        self.published += 1

    def _published(self, name: str, receivers: object) -> None:
        if isinstance(receivers, int) and receivers <= 1 and name in self._subscribed:
            self.elsewhere.discard(name)  # only we heard it

    # Who listens.

    def listen(self, names: Iterable[str]) -> None:
        """Somebody here begins to listen to these boxes. Call it before reading where they stand.

        Raises:
            Down: there is no store.
        """
        if not self.others:
            return
        by_partition: dict[int, list[str]] = {}
        for name in names:
            by_partition.setdefault(self._keyspace.partition_of(name), []).append(name)
        for partition, some in by_partition.items():
            self._listen(partition, some)

    def _listen(self, partition: int, names: list[str]) -> None:
        channel, of = self._channel(partition), self._keyspace.of
        channel.subscribe([of(name).box for name in names])
        self._subscribed.update(names)
        self._idle.difference_update(names)  # who is about to listen is not with the hub yet
        self.elsewhere.update(names)  # until the answer says that nobody else is there
        for name in names:
            self._publish(name, self.id + _HEAD.pack(Word.LISTENS, 0, 0))

    def begin(self, names: list[str]) -> None:
        """The same, but nobody reads afterwards where the boxes stand. Where there is no store,
        `partition_up` does it later."""
        if not (self.others and names):
            return
        try:
            self.listen(names)
            self.on_listen(names)
        except Down:
            pass

    def met(self) -> None:
        """Other hubs are here now: listen as they expect it."""
        self.others = True
        self.begin([box.name for box in self._hub.boxes() if box.name not in self._subscribed])

    def partition_up(self, partition: int) -> None:
        """The connection to a partition is new: subscribe anew, before anything is read.

        Raises:
            Down: it is gone again.
        """
        of = self._keyspace.partition_of
        names = {box.name for box in self._hub.boxes()} | self._subscribed
        here = [name for name in names if of(name) == partition]
        if here and self.others:
            self._listen(partition, here)

    def tidy(self) -> None:
        """End subscriptions of boxes that nobody listened to for a round, and make those that are
        missing; call it now and then."""
        if self.others:
            self.met()
        idle = {name for name in self._subscribed if self._hub.find(name) is None}
        ended, self._idle = idle & self._idle, idle
        by_partition: dict[int, list[str]] = {}
        for name in ended:
            by_partition.setdefault(self._keyspace.partition_of(name), []).append(name)
        for partition, names in by_partition.items():
            channel = self._channel(partition)
            if not channel.up:
                continue
            channel.unsubscribe([self._keyspace.of(name).box for name in names])
            self._subscribed.difference_update(names)
            self.elsewhere.difference_update(names)

    # What is heard.

    def hear(self, channel: bytes, payload: bytes) -> None:
        """A publication has come; our own ones come back, too.

        Raises:
            ValueError, struct.error: if it is damaged.
        """
        if payload.startswith(self.id):
            return
        self.heard += 1
        name = channel[channel.index(b"}m:") + 3 :].decode() if b"}m:" in channel else ""
        at = ID_BYTES
        while at < len(payload):
            word, seq, length = _HEAD.unpack_from(payload, at)
            at += _HEAD.size
            self._take(name, word, seq, payload[at : at + length], payload)
            at += length
        self.ear.heard()

    def _take(self, name: str, word: int, seq: int, data: bytes, whole: bytes) -> None:
        if word == Word.ENTRY:
            self.ear.entry(name, seq, data, UNSET)
        elif word == Word.MONEY:
            balance = BalanceAfter(*_MONEY.unpack_from(data))
            self.ear.entry(name, seq, data[_MONEY.size :], balance)
        elif word == Word.LISTENS:
            self.elsewhere.add(name)
        elif word == Word.JOINED:
            self.ear.joined(name, data.decode(), seq)
        elif word == Word.NOTICE:
            self.ear.notice(name, _read_notice(data))
        elif word == Word.LOOK:
            self.ear.look(name)
        elif word == Word.HUB:
            self.on_hub(whole[:ID_BYTES], data)


def _ignore(reply: object) -> None:
    """Whoever is there has heard it."""
