"""The store goes away while it is asked what a frame speaks of: nothing happened, ask again."""

from __future__ import annotations

import pytest

from tests.entries.town import Frame, new_id, ok, page, ref, say
from tests.server.outages import break_link, hold_replies, resolve
from tests.support import Hub, until


@pytest.mark.parametrize("type", ["edit", "delete", "react", "pin", "forward", "thread", "history"])
async def test_what_cannot_be_read_is_unavailable_and_can_be_asked_again(
    hub: Hub, type: str
) -> None:
    alice = await hub.register("alice")
    id = await say(alice, "@alice", "one")
    seq = (await page(alice, "@alice"))["entries"][-1]["seq"]
    about: Frame = {"ref": ref("@alice", id)}
    fields: Frame = {
        "edit": {"to": "@alice", "text": "two", **about},
        "delete": {"to": "@alice", **about},
        "react": {"to": "@alice", "emoji": "👍", **about},
        "pin": {"to": "@alice", **about},
        "forward": {"to": "@alice", "box": "@alice", "seq": seq, **about},
        "thread": {"box": "@alice", **about},
        "history": {"box": "@alice"},
    }[type]
    frame = {"type": type, "id": new_id(), **fields}
    hold_replies(hub)
    await alice.send(frame)
    await until(lambda: hub.app.services.contacts.parked or type in ("thread", "history"))
    break_link(hub)
    refused = await alice.answer(frame["id"])
    assert (refused["code"], refused["retry"]) == ("unavailable", "same_id")
    assert not hub.app.services.contacts.parked
    answer = await resolve(alice, frame)
    assert answer["type"] == (type if type in ("thread", "history") else "ack")
    assert "replayed" not in answer
    await ok(alice, "message", to="@alice", text="the end")
    stored = (await page(alice, "@alice"))["entries"]
    assert len(stored) == (3 if type in ("thread", "history") else 4)
