"""Words taken back, for everybody or for oneself, and money, which stays."""

from __future__ import annotations

import pytest

from tests.entries.town import Town, came, new_id, ok, page, ref, refused, say, seen
from tests.support import Client, until

TO = ("@bob", "#tea")


def _other(to: str) -> str:
    return "@alice" if to == "@bob" else to


async def _texts(client: Client, box: str) -> list[str]:
    found = await page(client, box, limit=200)
    return [str(one.get("text", "")) for one in found["entries"] + found.get("later", [])]


@pytest.mark.parametrize("to", TO)
async def test_deleted_words_are_handed_out_to_nobody(town: Town, to: str) -> None:
    token, cursor = town.bob.welcome["token"], town.bob.welcome["boxes"]["@bob"]["seq"]
    id = await say(town.alice, to, "a secret")
    edit = {"to": to, "ref": ref("@alice", id), "text": "a greater secret"}
    await ok(town.alice, "edit", **edit)
    await ok(town.alice, "delete", to=to, ref=ref("@alice", id))
    assert (await came(town.bob, "delete"))["ref"] == ref("@alice", id)
    for client in (town.alice, town.bob):
        box = to if to[0] == "#" else f"@{client.welcome['handle']}"
        assert not [text for text in await _texts(client, box) if "secret" in text]
        view = await seen(client, to if client is town.alice else _other(to), ("@alice", id))
        assert (view.text, view.gone, view.earlier) == ("", "deleted", ())
    back = await town.second.hello(token, {"@bob": cursor, "#tea": 1})
    await ok(back, "message", to="@bob", text="caught up")
    assert [frame for frame in back.pushed if frame.get("gone") == "deleted"]
    assert not [frame for frame in back.pushed if "secret" in str(frame.get("text"))]


@pytest.mark.parametrize("to", TO)
async def test_a_page_that_ends_before_the_deletion_knows_of_it(town: Town, to: str) -> None:
    id = await say(town.alice, to, "a secret")
    seq = (await came(town.bob, "message"))["seq"]
    for n in range(3):
        await say(town.alice, to, f"more {n}")
    edit = {"to": to, "ref": ref("@alice", id), "text": "a greater secret"}
    await ok(town.alice, "edit", **edit)
    await ok(town.alice, "delete", to=to, ref=ref("@alice", id))
    await came(town.bob, "delete")
    found = await page(town.bob, to if to[0] == "#" else "@bob", after=seq - 1, limit=1)
    assert [(one["text"], one["gone"]) for one in found["entries"]] == [("", "deleted")]
    later = [(one["type"], one.get("text"), one.get("gone")) for one in found["later"]]
    assert later == [("edit", "", "deleted"), ("delete", None, None)]


async def test_admins_may_in_a_room_and_nobody_in_a_direct_conversation(town: Town) -> None:
    theirs, direct = await say(town.bob, "#tea", "rude"), await say(town.bob, "@alice", "hm")
    await came(town.alice, "message")
    await came(town.alice, "message")
    own = await say(town.alice, "#tea", "mine")
    await came(town.bob, "message")
    assert await refused(town.bob, "delete", to="#tea", ref=ref("@alice", own)) == "forbidden"
    assert await refused(town.alice, "delete", to="@bob", ref=ref("@bob", direct)) == "forbidden"
    await ok(town.alice, "delete", to="#tea", ref=ref("@bob", theirs))
    assert (await seen(town.bob, "#tea", ("@bob", theirs))).gone == "deleted"
    assert (await seen(town.bob, "#tea", ("@alice", own))).text == "mine"
    assert (await seen(town.bob, "@alice", ("@bob", direct))).text == "hm"


async def test_who_may_not_write_any_more_may_take_back(town: Town) -> None:
    id = await say(town.bob, "#tea", "hasty")
    await came(town.alice, "message")
    await ok(town.alice, "mute", room="#tea", who="@bob", for_s=3600)
    await came(town.bob, "mute")
    assert await refused(town.bob, "message", to="#tea", text="?") == "muted"
    edit = {"to": "#tea", "ref": ref("@bob", id), "text": "calm"}
    assert await refused(town.bob, "edit", **edit) == "muted"
    await ok(town.bob, "delete", to="#tea", ref=ref("@bob", id))


@pytest.mark.parametrize("to", TO)
async def test_for_oneself_alone(town: Town, to: str) -> None:
    phone = await town.second.login("bob")
    id = await say(town.alice, to, "for your eyes")
    await came(phone, "message")
    place = _other(to)
    await ok(town.bob, "delete", to=place, ref=ref("@alice", id), only_me=True)
    heard = await came(phone, "delete")
    assert (heard["only_me"], heard["box"], heard["to"]) == (True, "@bob", place)
    assert (await seen(town.bob, place, ("@alice", id))).gone == "deleted"
    assert (await seen(town.alice, to, ("@alice", id))).text == "for your eyes"
    again = {"to": place, "ref": ref("@alice", id), "only_me": True}
    assert await refused(town.bob, "delete", **again) == "unknown_entry"


async def test_money_stays_and_its_note_can_be_hidden(town: Town) -> None:
    alice, bob = town.alice, town.bob
    pay = {"to": "@bob", "amount": 5, "currency": "USD", "text": "for the secret"}
    paid, shown = new_id(), new_id()
    await ok(alice, "payment", id=paid, **pay)
    await ok(alice, "payment", id=shown, room="#tea", **pay)
    while (await came(bob, "payment"))["box"] != "#tea":
        pass
    cases = [
        (alice, "@bob", paid, {}, "money_stays"),
        (alice, "@bob", paid, {"only_me": True}, "money_stays"),
        (bob, "@alice", paid, {"only_me": True}, "money_stays"),
        (bob, "@alice", paid, {"note": True}, "forbidden"),
        (alice, "#tea", shown, {}, "money_stays"),
        (bob, "#tea", shown, {"note": True}, "forbidden"),
    ]
    for who, to, id, more, code in cases:
        assert await refused(who, "delete", to=to, ref=ref("@alice", id), **more) == code, (
            to,
            more,
        )
    for to, id in (("@bob", paid), ("#tea", shown)):
        await ok(alice, "delete", to=to, ref=ref("@alice", id), note=True)
        await came(bob, "delete")
        view = await seen(bob, "@alice" if to == "@bob" else to, ("@alice", id))
        assert (view.text, view.gone, view.entry["amount"]) == ("", "deleted", 5)
    words = await say(alice, "@bob", "no money")
    note = {"to": "@bob", "ref": ref("@alice", words), "note": True}
    assert await refused(alice, "delete", **note) == "unknown_entry"


async def test_a_payment_in_a_room_is_not_an_admins_to_delete(town: Town) -> None:
    id = new_id()
    await ok(town.bob, "payment", id=id, to="@carol", amount=5, currency="USD", room="#tea")
    await came(town.alice, "payment")
    delete = {"to": "#tea", "ref": ref("@bob", id)}
    assert await refused(town.alice, "delete", **delete) == "money_stays"
    assert await refused(town.alice, "delete", note=True, **delete) == "forbidden"


async def test_what_is_not_there_and_what_is_gone(town: Town) -> None:
    id, delete = await say(town.alice, "@bob", "once"), new_id()
    fields = {"to": "@bob", "ref": ref("@alice", id)}
    first = await ok(town.alice, "delete", id=delete, **fields)
    again = await ok(town.alice, "delete", id=delete, **fields)
    assert again == {**first, "replayed": True}
    assert await refused(town.alice, "delete", id=delete, only_me=True, **fields) == "id_reused"
    assert await refused(town.alice, "delete", **fields) == "unknown_entry"
    gone = {"to": "@bob", "ref": ref("@alice", new_id())}
    assert await refused(town.alice, "delete", **gone) == "unknown_entry"


async def test_disappearing_words_disappear(town: Town) -> None:
    token, cursor = town.bob.welcome["token"], town.bob.welcome["boxes"]["@bob"]["seq"]
    id = await say(town.alice, "@bob", "a secret", expires_s=60)
    live = await came(town.bob, "message")
    assert (live["text"], live["expires_s"]) == ("a secret", 60)
    assert "a secret" in await _texts(town.bob, "@bob")
    for hub in (town.first, town.second):
        hub.app.services.store_ahead_ms += 61_000
    assert "a secret" not in await _texts(town.bob, "@bob")
    found = (await page(town.bob, "@bob"))["entries"][-1]
    assert (found["id"], found["text"], found["gone"]) == (id, "", "expired")
    back = await town.second.hello(token, {"@bob": cursor})
    await ok(back, "message", to="@bob", text="caught up")
    missed = [frame for frame in back.pushed if frame.get("id") == id]
    assert [(one["text"], one["gone"]) for one in missed] == [("", "expired")]


@pytest.mark.parametrize("town", [1], indirect=True)  # where the first hub alone tells of it
async def test_who_missed_it_is_not_told_the_words_later(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another hub told is lost, and read from the store when it was deleted already."""
    monkeypatch.setattr("server.telling.catchup.ROUND_S", 1000)
    monkeypatch.setattr("server.telling.catchup.SUSPICION_S", 3)
    monkeypatch.setattr("server.telling.relay.LOSES", True)
    services = town.second.app.services
    keys = services.keyspace.of("@bob")
    heard_of = services.hub.parties["@bob"].seq
    secret, brief = await say(town.alice, "@bob", "a secret"), new_id()
    await say(town.alice, "@bob", "a brief secret", id=brief, expires_s=60)
    await ok(town.alice, "delete", to="@bob", ref=ref("@alice", secret))

    async def arrived() -> bool:
        length = await services.channel(keys.partition).request("LLEN", keys.box)
        return length == heard_of + 3

    await until(arrived)
    services.store_ahead_ms += 61_000
    services.catch_up.check(["@bob"])
    heard = [await came(town.bob, "message") for _ in range(2)]
    found = [(one["id"], one["text"], one["gone"]) for one in heard]
    assert found == [(secret, "", "deleted"), (brief, "", "expired")]
