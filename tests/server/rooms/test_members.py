"""Who is in a room: pages that cost the same in a small room and in a large one."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from protocol.frames import (
    AcceptEntry,
    BanEntry,
    CreateEntry,
    Entry,
    JoinEntry,
    KickEntry,
    LeaveEntry,
    MuteEntry,
    RoleEntry,
)
from server.rooms.roster import Roster
from tests.support import Client, until

from .conftest import MakeHouse
from .house import ROOM, House


async def pages(client: Client, limit: int, room: str = ROOM) -> list[dict[str, Any]]:
    """All members, page by page."""
    found: list[dict[str, Any]] = []
    fields: dict[str, Any] = {}
    while True:
        page = await client.ask("members", room=room, limit=limit, **fields)
        assert page["type"] == "members", page
        found += page["members"]
        if not page["more"]:
            return found
        assert len(page["members"]) == limit
        fields["after"] = found[-1]["who"]


async def test_pages_say_who_is_there_and_what_they_are(house: House) -> None:
    people = await house.with_roles()
    wanted = await house.roles()
    for client in (people["member"], people["owner"]):
        listed = await pages(client, 2)
        assert {one["who"]: one["role"] for one in listed} == wanted
        assert [one["who"] for one in listed] == sorted(wanted)
    assert (await people["stranger"].ask("members", room=ROOM))["code"] == "not_a_member"
    assert (await people["owner"].ask("members", room="#none"))["code"] == "not_a_member"


async def test_pages_follow_what_happens_at_every_hub(house: House) -> None:
    people = await house.with_roles()
    owner, member = people["owner"], people["member"]
    for client in people.values():  # from now on each hub keeps its own list
        await client.ask("members", room=ROOM)
    stranger = people["stranger"]
    await stranger.ask("join", room=ROOM)
    await owner.ask("role", room=ROOM, who="@stranger", role="reader")
    await owner.ask("kick", room=ROOM, who="@reader")
    await owner.ask("ban", room=ROOM, who="@admin2")
    ack = await owner.ask("mute", room=ROOM, who="@member", for_s=60)
    await owner.ask("role", room=ROOM, who="@admin", role="owner")
    await owner.ask("leave", room=ROOM)
    await house.told()
    for client in (people["admin"], member, stranger):
        assert await pages(client, 1) == [
            {"who": "@admin", "role": "owner"},
            {"who": "@member", "role": "member", "muted": ack["at"] + 60_000},
            {"who": "@stranger", "role": "reader"},
        ]
    assert await house.roles() == {"@admin": "owner", "@member": "member", "@stranger": "reader"}


async def test_a_large_room_is_read_once_and_listed_whole(make_house: MakeHouse) -> None:
    house = await make_house(1, 1)
    alice, bob = await house.room("alice", "bob")
    many = {f"@m{n:05}": "member" for n in range(10_000)}
    await house.store(ROOM, "HSET", house.keys(ROOM).members, *sum(many.items(), ()))
    rosters = house.hubs[0].app.services.rosters
    before = rosters.read
    listed = await pages(alice, 200)
    assert [one["who"] for one in listed] == ["@alice", "@bob", *sorted(many)]
    await bob.ask("members", room=ROOM)
    assert rosters.read == before + 1


async def test_a_list_goes_with_the_last_listener(house: House) -> None:
    alice, bob = await house.room("alice", "bob")
    for client in (alice, bob):
        await client.ask("members", room=ROOM)
    seen = await house.length(ROOM)
    await bob.close()
    hub = next(hub for hub in house.hubs if bob in hub.clients)
    await until(lambda: "@bob" not in hub.app.services.hub.parties)
    await alice.ask("topic", room=ROOM, access="private")
    await alice.ask("invite", room=ROOM, who="@bob")
    carol = await house.person("carol")
    await alice.ask("invite", room=ROOM, who="@carol")
    await carol.ask("join", room=ROOM)
    back = await hub.hello(house.tokens["bob"], {ROOM: seen})
    listed = await back.ask("members", room=ROOM)
    assert [one["who"] for one in listed["members"]] == ["@alice", "@bob", "@carol"]


async def test_old_lists_make_room_for_new_ones(make_house: MakeHouse, monkeypatch: Any) -> None:
    monkeypatch.setattr("server.rooms.rosters.NAMES_MAX", 3)
    house = await make_house(1, 1)
    alice, bob = await house.people("alice", "bob")
    for room in ("#one", "#two"):
        await alice.ask("create", room=room)
        await bob.ask("join", room=room)
    rooms = house.hubs[0].app.services.hub.rooms
    await alice.ask("members", room="#one")
    await alice.ask("members", room="#two")
    assert rooms["#one"].roster is None
    assert rooms["#two"].roster is not None
    assert len((await alice.ask("members", room="#one"))["members"]) == 2


PEOPLE = ["@ann", "@ben", "@cat"]
people = st.sampled_from(PEOPLE)
entries = st.one_of(
    st.builds(JoinEntry, st.just("1"), people, st.just(ROOM), asks=st.booleans()),
    st.builds(LeaveEntry, st.just("1"), people, st.just(ROOM)),
    st.builds(KickEntry, st.just("1"), people, st.just(ROOM), people),
    st.builds(BanEntry, st.just("1"), people, st.just(ROOM), people, remove=st.booleans()),
    st.builds(MuteEntry, st.just("1"), people, st.just(ROOM), people, for_s=st.just(60)),
    st.builds(AcceptEntry, st.just("1"), people, people, room=st.just(ROOM)),
    st.builds(RoleEntry, st.just("1"), people, st.just(ROOM), people, st.just("admin")),
    st.builds(CreateEntry, st.just("1"), people, st.just(ROOM)),
)


def listed(roster: Roster) -> list[Any]:
    return roster.page("", 10, 0)[0]


@given(st.lists(entries, max_size=12), st.integers(0, 12), st.integers(0, 12))
def test_entries_that_were_read_with_the_rest_change_nothing(
    told: list[Entry], read: int, behind: int
) -> None:
    """A roster is read when some of the entries were not announced yet: they come again."""
    whole, late = Roster({}), Roster({})
    for n, entry in enumerate(told):
        whole.take(entry, n)
        if n < read:
            late.take(entry, n)
    for n, entry in list(enumerate(told))[max(0, read - behind) :]:
        late.take(entry, n)
    assert listed(late) == listed(whole)
    assert len(late) == len(listed(whole))


def test_a_damaged_role_is_not_made_into_something_else() -> None:
    for word in (b"", b"king", b"member soon"):
        try:
            Roster({b"@ann": word})
        except ValueError:
            continue
        raise AssertionError(word)
    assert Roster({b"@ann": b"member 5"}).page("", 1, 6)[0][0].muted == UNSET
