"""The order of a box holds whichever way its entries come, and however they are mixed."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.codec import JSON
from protocol.frames import Ack, HubFrame, JoinEntry, LeaveEntry, MessageEntry
from server.edge.wire import pack
from server.telling.announcer import Announcer
from server.telling.hub import Box, Hub, Party, Room


class Listener:
    """A connection that keeps what it was sent; reads the frames without the hub's codec."""

    def __init__(self) -> None:
        self.codec = JSON
        self.data = b""
        self.party = None

    def put(self, data: bytes) -> None:
        self.data += data

    def send(self, frame: HubFrame) -> None:
        self.put(pack(JSON, frame))

    def resync(self) -> None:
        raise AssertionError("nobody is to be sent away here")

    @property
    def frames(self) -> list[dict[str, Any]]:
        found, data = [], self.data
        while data:
            length, head = data[1], 2
            if length == 126:
                length, head = int.from_bytes(data[2:4]), 4
            found.append(orjson.loads(data[head : head + length]))
            data = data[head + length :]
        return found

    def told(self) -> list[tuple[str, int]]:
        """Kind and seq of each frame."""
        return [("ack" if one["type"] == "ack" else "entry", one["seq"]) for one in self.frames]


def said(seq: int, who: str = "@alice") -> MessageEntry:
    return MessageEntry(f"m{seq}", who, "#tea", "hi")


class Scene:
    """A box with listeners, and the entries of it that this hub posted itself."""

    def __init__(self, name: str, own: set[int], listeners: int = 2) -> None:
        self.hub = Hub()
        self.announcer = Announcer(self.hub)
        self.own = own
        self.others = [Listener() for _ in range(listeners)]
        self.poster = Listener()
        self.gaps: list[Box] = []
        self.announcer.missing = self.gaps.append
        self.box = self._enter(name)

    def _enter(self, name: str) -> Box:
        people = [self.poster, *self.others]
        for place, one in enumerate(people):
            party = self.hub.enter(one, f"@p{place}" if name[0] == "#" else name, 0)
            if name[0] == "#":
                self.hub.attend(one, party, name, 0)
        box = self.hub.find(name)
        assert box is not None
        return box

    def answer(self, seq: int) -> None:
        """Our own post was committed at `seq`."""
        ack = Ack(f"m{seq}", 5, "disk", self.box.name, seq)
        poster: Any = self.poster
        self.announcer.put(self.box, seq, 5, said(seq), author=poster, ack=ack)
        self.announcer.flush()

    def hear(self, seq: int) -> None:
        """Another hub, or the store, told the entry at `seq`."""
        self.announcer.put(self.box, seq, 5, said(seq))
        self.announcer.flush()


@st.composite
def mixes(draw: st.DrawFn) -> tuple[str, set[int], list[tuple[str, int]]]:
    """Entries of a box; which are ours; and in which order, how often, and how each comes."""
    count = draw(st.integers(1, 12))
    own = draw(st.sets(st.integers(1, count)))
    events = [("answer", seq) for seq in sorted(own)]
    told = [("hear", seq) for seq in range(1, count + 1)]
    again = draw(st.lists(st.sampled_from(told), max_size=count))
    heard = [one for one in told if one[1] not in own] + again
    shuffled = draw(st.permutations(heard))
    mixed: list[tuple[str, int]] = []
    while events or shuffled:
        from_own = bool(events) and (not shuffled or draw(st.booleans()))
        mixed.append(events.pop(0) if from_own else shuffled.pop())
    return draw(st.sampled_from(["@p", "#tea"])), own, mixed


@given(mixes())
@settings(max_examples=300, deadline=None)
def test_each_connection_sees_each_entry_once_and_in_order(
    mix: tuple[str, set[int], list[tuple[str, int]]],
) -> None:
    name, own, events = mix
    scene = Scene(name, own)
    last = max(seq for _, seq in events)
    for how, seq in events:
        getattr(scene, how)(seq)
    assert scene.box.seq == last
    assert scene.box.ahead is None
    for listener in scene.others:
        assert listener.told() == [("entry", seq) for seq in range(1, last + 1)]
    told = scene.poster.told()
    in_place = [one for one in told if one[0] == "entry" or ("entry", one[1]) not in told]
    assert [seq for _, seq in in_place] == list(range(1, last + 1))
    assert sorted(seq for kind, seq in told if kind == "ack") == sorted(own)


def test_an_ack_waits_for_the_entries_before_it() -> None:
    scene = Scene("#tea", {2})
    scene.answer(2)
    assert scene.poster.told() == []
    assert scene.gaps == [scene.box]
    scene.hear(1)
    assert scene.poster.told() == [("entry", 1), ("ack", 2)]
    assert scene.others[0].told() == [("entry", 1), ("entry", 2)]


def test_an_ack_whose_entry_was_told_already_comes_behind_and_once() -> None:
    scene = Scene("@p", {1})
    scene.hear(1)
    scene.hear(2)
    scene.answer(1)
    assert scene.poster.told() == [("entry", 1), ("entry", 2), ("ack", 1)]
    assert scene.others[0].told() == [("entry", 1), ("entry", 2)]


def test_an_ack_of_a_box_that_its_connection_does_not_hear_waits_for_nothing() -> None:
    scene = Scene("@p", set())
    operator: Any = Listener()
    ack = Ack("d", 5, "disk", "@p", 7)
    scene.announcer.put(scene.box, 7, 5, said(7), author=operator, ack=ack)
    assert operator.told() == [("ack", 7)]
    assert scene.others[0].told() == []


def test_what_follows_ones_own_join_is_not_acknowledged_before_it() -> None:
    scene = Scene("#tea", set())
    bob: Any = Listener()
    scene.hub.enter(bob, "@bob", 0)
    put = scene.announcer.put
    join, words = (Ack(id, 5, "disk", "#tea", seq) for id, seq in (("j", 2), ("m3", 3)))
    put(scene.box, 2, 5, JoinEntry("j", "@bob", "#tea"), author=bob, ack=join)
    put(scene.box, 3, 5, said(3, "@bob"), author=bob, ack=words)
    assert bob.told() == []
    put(scene.box, 1, 5, said(1))
    scene.announcer.flush()
    assert bob.told() == [("ack", 2), ("ack", 3)]


def test_the_first_answer_that_waits_keeps_its_ack_when_the_store_tells_the_entry_too() -> None:
    scene = Scene("#tea", {2, 3})
    scene.hear(3)
    scene.answer(3)
    scene.answer(2)
    scene.hear(2)
    scene.hear(1)
    assert scene.poster.told() == [("entry", 1), ("ack", 2), ("ack", 3)]


@pytest.mark.parametrize("name", ["@p", "#tea"])
def test_a_replayed_ack_waits_for_its_entry(name: str) -> None:
    """The copy was sent to another hub, whose word of the entry is still on its way."""
    scene = Scene(name, set())
    poster: Any = scene.poster
    scene.announcer.replay(scene.box, 2, poster, Ack("m2", 5, "disk", name, 2, replayed=True))
    assert scene.gaps == [scene.box]
    scene.hear(1)
    assert poster.told() == [("entry", 1)]
    scene.hear(2)
    assert poster.told() == [("entry", 1), ("entry", 2), ("ack", 2)]
    assert scene.box.ahead is None
    scene.announcer.replay(scene.box, 2, poster, Ack("m2", 5, "disk", name, 2, replayed=True))
    assert poster.told()[-2:] == [("ack", 2), ("ack", 2)]


def test_a_replayed_ack_waits_for_no_entry_of_a_box_that_is_not_heard() -> None:
    scene = Scene("@p", set())
    operator: Any = Listener()
    scene.announcer.replay(scene.box, 7, operator, Ack("d", 5, "disk", "@p", 7, replayed=True))
    assert operator.told() == [("ack", 7)]
    assert scene.box.ahead is None


def test_the_ack_of_a_join_stands_at_its_place() -> None:
    """Before it, nothing of the room is said to who joins; with it, their stream begins."""
    scene = Scene("#tea", set())
    bob: Any = Listener()
    scene.hub.enter(bob, "@bob", 0)
    ack = Ack("j", 5, "disk", "#tea", 2)
    scene.announcer.put(scene.box, 2, 5, JoinEntry("j", "@bob", "#tea"), author=bob, ack=ack)
    scene.hear(3)
    assert bob.told() == []
    scene.hear(1)
    assert bob.told() == [("ack", 2), ("entry", 3)]


def test_who_is_put_into_the_middle_while_their_join_waits_hears_all_from_the_join_on() -> None:
    """The word of a joining that says not where came before the hub had told what was before it."""
    scene = Scene("#tea", set())
    bob: Any = Listener()
    party = scene.hub.enter(bob, "@bob", 0)
    ack = Ack("j", 5, "disk", "#tea", 2)
    scene.announcer.put(scene.box, 2, 5, JoinEntry("j", "@bob", "#tea"), author=bob, ack=ack)
    scene.hub.join_midway(party, "#tea", 4)
    for seq in (3, 4, 5, 1):
        scene.hear(seq)
    assert bob.told() == [("ack", 2), ("entry", 3), ("entry", 4), ("entry", 5)]


def test_who_writes_before_their_own_joining_is_told_hears_all_that_lies_between() -> None:
    """They joined by another connection, and this hub has not heard of it yet."""
    scene = Scene("#tea", set())
    bob: Any = Listener()
    scene.hub.enter(bob, "@bob", 0)
    ack = Ack("m4", 5, "disk", "#tea", 4)
    scene.announcer.put(scene.box, 4, 5, said(4, "@bob"), author=bob, ack=ack)
    assert bob.told() == []
    scene.hear(1)
    scene.announcer.put(scene.box, 2, 5, JoinEntry("j", "@bob", "#tea"))
    scene.hear(3)
    scene.hear(5)
    assert bob.told() == [("entry", 2), ("entry", 3), ("ack", 4), ("entry", 5)]


@pytest.mark.parametrize("joins", [True, False])
def test_an_ack_that_waits_in_a_room_outlasts_its_listeners(joins: bool) -> None:
    scene = Scene("#tea", set(), listeners=0)
    bob: Any = Listener()
    scene.hub.enter(bob, "@bob", 0)
    ack = Ack("m3", 5, "disk", "#tea", 3)
    scene.announcer.put(scene.box, 3, 5, said(3, "@bob"), author=bob, ack=ack)
    scene.hub.exit(scene.poster, scene.hub.parties["@p0"])
    assert scene.hub.rooms == {"#tea": scene.box}
    scene.hear(1)
    scene.announcer.put(scene.box, 2, 5, JoinEntry("j", "@bob", "#tea") if joins else said(2))
    scene.announcer.flush()
    assert bob.told() == ([("entry", 2)] if joins else []) + [("ack", 3)]
    assert ("#tea" in scene.hub.rooms) is joins


@given(st.integers(0, 6), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_a_newcomer_hears_only_what_follows_their_welcome(
    ahead: int, chance: random.Random
) -> None:
    for name in ("@p", "#tea"):
        scene = Scene(name, set())
        newcomer = Listener()
        if name[0] == "@":
            scene.hub.enter(newcomer, name, ahead)
        else:
            scene.hub.attend(newcomer, scene.hub.enter(newcomer, "@new", 0), name, ahead)
        seqs = list(range(1, 9))
        chance.shuffle(seqs)
        for seq in seqs:
            scene.hear(seq)
        assert newcomer.told() == [("entry", seq) for seq in range(ahead + 1, 9)]
        assert scene.others[0].told() == [("entry", seq) for seq in range(1, 9)]
        assert scene.box.ahead is None


def test_a_box_that_is_behind_a_newcomer_is_looked_at() -> None:
    scene = Scene("@p", set())
    behind: list[Box] = []
    scene.hub.behind = behind.append
    newcomer = Listener()
    scene.hub.enter(newcomer, "@p", 3)
    assert behind == [scene.box]
    assert scene.box.seq_of(newcomer) == 3
    assert scene.box.seq_of(scene.poster) == 0


def test_members_come_and_go_at_their_place() -> None:
    scene = Scene("#tea", set())
    bob = Listener()
    party = scene.hub.enter(bob, "@bob", 0)
    put = scene.announcer.put
    put(scene.box, 4, 5, LeaveEntry("l", "@bob", "#tea"))
    put(scene.box, 3, 5, said(3))
    put(scene.box, 5, 5, said(5))
    put(scene.box, 2, 5, JoinEntry("j", "@bob", "#tea"))
    assert not party.rooms
    put(scene.box, 1, 5, said(1))
    scene.announcer.flush()
    assert bob.told() == [("entry", 2), ("entry", 3), ("entry", 4)]
    assert [seq for _, seq in scene.others[0].told()] == [1, 2, 3, 4, 5]
    assert not party.rooms


def test_kinds_of_boxes() -> None:
    scene = Scene("#tea", set())
    assert isinstance(scene.box, Room)
    assert isinstance(scene.hub.find("@p0"), Party)
    assert scene.hub.find("@nobody") is None


def test_who_opens_a_room_anew_while_its_last_entries_wait_is_told_the_rest() -> None:
    """All leave, and somebody joins; the hub hears of it the other way round."""
    hub = Hub()
    announcer = Announcer(hub)
    last, comer, second = Listener(), Listener(), Listener()
    hub.attend(last, hub.enter(last, "@last", 0), "#tea", 5)
    for one in (comer, second):
        hub.enter(one, "@comer", 0)
    room = hub.rooms["#tea"]
    announcer.put(room, 8, 0, said(8, "@comer"))
    ack = Ack("j7", 0, "disk", "#tea", 7)
    announcer.put(room, 7, 0, JoinEntry("j7", "@comer", "#tea"), author=comer, ack=ack)  # type: ignore[arg-type]
    assert comer.told() == second.told() == []
    announcer.put(room, 6, 0, LeaveEntry("l6", "@last", "#tea"))
    announcer.flush()
    assert last.told() == [("entry", 6)]
    assert comer.told() == [("ack", 7), ("entry", 8)]
    assert second.told() == [("entry", 7), ("entry", 8)]
    assert hub.rooms["#tea"].seq == 8


class Device(Listener):
    """One whose party is known, and that can be sent away."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False

    def resync(self) -> None:
        self.away = True


def test_an_ack_that_waited_with_a_newcomer_in_the_room_is_no_cursor_of_who_lacks_it() -> None:
    scene = Scene("#tea", set())
    first: Any = Device()
    first.party = scene.hub.enter(first, "@bob", 0)
    first.party.rooms.add("#tea")  # it came in without the room: its partition blinked
    first.party.lacking.add(first)
    newcomer = Listener()
    scene.hub.attend(newcomer, scene.hub.enter(newcomer, "@new", 0), "#tea", 3)
    scene.announcer.put(
        scene.box, 4, 5, said(4, "@bob"), author=first, ack=Ack("m4", 5, "disk", "#tea", 4)
    )
    for seq in (1, 2, 3):
        scene.hear(seq)
    assert newcomer.told() == [("entry", 4)]
    assert (first.told(), first.away) == ([], True)


def test_who_is_put_into_a_room_that_lags_is_not_told_what_was_before_they_joined() -> None:
    """As `Membership._ask` does: the store says that the room stands at 6; this hub is at 0."""
    scene = Scene("#tea", set())
    bob: Any = Listener()
    party = scene.hub.enter(bob, "@bob", 0)
    scene.hub.join_midway(party, "#tea", 6)
    for seq in (1, 2, 3, 4):
        scene.hear(seq)
    scene.announcer.put(scene.box, 5, 5, JoinEntry("j", "@bob", "#tea"))
    scene.hear(6)
    scene.hear(7)
    assert [seq for _, seq in bob.told() if seq < 5] == []
    assert bob.told()[-1] == ("entry", 7)


def test_who_lacks_a_room_that_only_they_named_is_not_put_into_it() -> None:
    """The client named the room, from its own join's ack on; neither its partition nor the
    account's knew more. Then the room's catch-up tells the joining."""
    scene = Scene("#tea", set())
    bob: Any = Device()
    bob.party = scene.hub.enter(bob, "@bob", 0)
    bob.party.lacking.add(bob)
    bob.party.unread[bob] = {"#tea"}
    scene.announcer.put(scene.box, 1, 5, JoinEntry("j", "@bob", "#tea"))
    scene.hear(2)
    assert bob.told() == []
