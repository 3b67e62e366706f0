"""Rooms under random commands by several people: they always have one owner, nobody touches who
stands above them, and the rooms that an account is in are those that have it as a member."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from protocol.frames import (
    Accept,
    Ban,
    ClientFrame,
    Create,
    Decline,
    Invite,
    Join,
    Kick,
    Leave,
    Mute,
    Role,
    Topic,
)
from server.ledger import routing_rooms as aim
from server.ledger.entries import digest_of, encode_entry, entry_of
from server.ledger.posts import Post
from server.ledger.status import Status
from tests.single import KEYS, keys_of

from . import builders as b
from .ledgers import TwinLedger

PEOPLE = ["@ann", "@ben", "@cat", "@dan"]
ROOM = "#tea"
CODE = "sixteen-letters-"
RANK = {"owner": 3, "admin": 2, "member": 1, "reader": 0}
COMMANDS = {Kick: aim.kick, Ban: aim.ban, Mute: aim.mute, Role: aim.role, Topic: aim.topic}

people = st.sampled_from(PEOPLE)
accesses = st.sampled_from(["public", "private", "ask"])
roles = st.sampled_from(list(RANK))
frames = st.one_of(
    st.builds(Join, st.just(""), st.just(ROOM), st.sampled_from([UNSET, CODE])),
    st.builds(Leave, st.just(""), st.just(ROOM)),
    st.builds(Kick, st.just(""), st.just(ROOM), people),
    st.builds(Ban, st.just(""), st.just(ROOM), people, st.sampled_from([UNSET, 60]), st.booleans()),
    st.builds(Mute, st.just(""), st.just(ROOM), people, st.just(60), st.booleans()),
    st.builds(Role, st.just(""), st.just(ROOM), people, roles),
    st.builds(Topic, st.just(""), st.just(ROOM), st.just("tea"), st.just(UNSET), accesses),
    st.builds(Invite, st.just(""), st.just(ROOM), people),
    st.builds(Invite, st.just(""), st.just(ROOM), st.just(UNSET), st.just(CODE), st.integers(0, 2)),
    st.builds(Accept, st.just(""), people, st.just(ROOM)),
    st.builds(Decline, st.just(""), people, st.just(ROOM)),
)
calls = st.lists(st.lists(st.tuples(people, frames), min_size=1, max_size=6), max_size=15)


def aimed(id: str, who: str, frame: ClientFrame) -> Post:
    """The post of `frame` of `who`, as the handlers draft and aim it."""
    frame, own = replace(frame, id=id), keys_of(who)  # type: ignore[call-arg]
    post = Post(frame, id, None, who, own.marks + id.encode())
    entry = entry_of(frame, who)
    post.entry, post.body = entry, encode_entry(entry)
    post.digest = digest_of(post.body)
    if isinstance(frame, Create):
        aim.create(KEYS, post, own, frame, 5)
    elif isinstance(frame, Join):
        aim.join(KEYS, post, own, frame, 5)
    elif isinstance(frame, Leave):
        aim.leave(KEYS, post, own, frame)
    elif isinstance(frame, Invite) and isinstance(frame.who, str):
        aim.invite(KEYS, post, own, frame, frame.who)
    elif isinstance(frame, Invite):
        post.body, post.entry = b"", None
        aim.link(KEYS, post, own, frame, CODE)
    elif isinstance(frame, Accept | Decline):
        aim.answer(KEYS, post, own, frame, ROOM, 5)
    else:
        COMMANDS[type(frame)](KEYS, post, own, frame)  # type: ignore[operator]
    return post


class Room:
    """The room, on a store and in the model at once."""

    def __init__(self, client: redis.Redis) -> None:
        self.ledger = TwinLedger(client)
        self.ledger.apply([b.register(f"r{who}", who) for who in PEOPLE])
        self.ledger.apply([aimed("c", "@ann", Create("c", ROOM))])

    def play(self, posts: list[Post]) -> list[Status]:
        """What becomes of `posts`, all in one call; their other forms follow, as the hub has it."""
        found = [Status(result[0]) for result in self.ledger.apply(posts)[1:]]
        for n, post in enumerate(posts):
            while post.otherwise is not None and post.otherwise[0] == found[n]:
                post = post.otherwise[1]
                found[n] = Status(self.ledger.apply([post])[1][0])
        return found

    @property
    def roles(self) -> dict[str, str]:
        found = self.ledger.client.hgetall(keys_of(ROOM).members)
        return {name.decode(): word.decode().split()[0] for name, word in found.items()}

    def check(self) -> None:
        """What always holds."""
        roles = self.roles
        owners = [who for who, role in roles.items() if role == "owner"]
        assert len(owners) == (1 if roles else 0), roles
        for who in PEOPLE:
            joined = self.ledger.client.smembers(keys_of(who).joined)
            assert joined == ({ROOM.encode()} if who in roles else set()), who


@pytest.fixture
def room(client: redis.Redis) -> Room:
    """A room that @ann owns."""
    return Room(client)


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(calls)
def test_a_room_has_one_owner_whatever_happens(
    client: redis.Redis, history: list[list[tuple[str, ClientFrame]]]
) -> None:
    room, number = Room(client), 0
    for call in history:
        posts = []
        for who, frame in call:
            number += 1
            posts.append(aimed(f"p{number}", who, frame))
        before = room.roles
        found = room.play(posts)
        room.check()
        if len(posts) == 1 and found[0] is Status.OK:
            _rightly(call[0][0], call[0][1], before, room.roles)
    room.ledger.compare()


def _rightly(who: str, frame: Any, before: dict[str, str], after: dict[str, str]) -> None:
    """One command was done: by somebody who may, and nobody above them is touched."""
    if isinstance(frame, Kick | Ban | Mute | Role | Topic | Accept | Decline):
        assert before[who] in ("owner", "admin")
    if isinstance(frame, Kick | Ban | Mute | Role) and not (
        isinstance(frame, Ban) and frame.remove
    ):
        below = frame.who not in before or RANK[before[frame.who]] < RANK[before[who]]
        assert below, (who, frame, before)
    moved = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    given = isinstance(frame, Role) and frame.role == "owner"
    touched = {who, frame.who} if given else {getattr(frame, "who", who)}
    assert moved <= touched, (who, frame, before, after)


def test_two_who_give_the_room_away_at_once_leave_it_one_owner(room: Room) -> None:
    joins = [aimed(f"j{who}", who, Join("", ROOM)) for who in ("@ben", "@cat")]
    assert room.play(joins) == [Status.OK] * 2
    gifts = [aimed(f"g{to}", "@ann", Role("", ROOM, to, "owner")) for to in ("@ben", "@cat")]
    leaves = aimed("l", "@ann", Leave("", ROOM))
    assert room.play([*gifts, leaves]) == [Status.OK, Status.FORBIDDEN, Status.OK]
    assert room.roles == {"@ben": "owner", "@cat": "member"}


def test_the_last_one_out_and_one_who_comes_in_at_once(room: Room) -> None:
    out, come = aimed("l", "@ann", Leave("", ROOM)), aimed("j", "@ben", Join("", ROOM))
    assert room.play([out, come]) == [Status.OK, Status.UNKNOWN_ROOM]
    assert room.roles == {}


def test_one_who_comes_in_before_the_last_one_is_out(room: Room) -> None:
    come, out = aimed("j", "@ben", Join("", ROOM)), aimed("l", "@ann", Leave("", ROOM))
    assert room.play([come, out]) == [Status.OK, Status.OWNER_STAYS]
    assert room.roles == {"@ann": "owner", "@ben": "member"}


def test_a_ban_of_one_who_comes_in_meanwhile_puts_them_out(room: Room) -> None:
    ban = aimed("b", "@ann", Ban("", ROOM, "@ben"))
    assert room.play([ban, aimed("j", "@ben", Join("", ROOM))]) == [Status.OK, Status.OK]
    assert room.roles == {"@ann": "owner"}
