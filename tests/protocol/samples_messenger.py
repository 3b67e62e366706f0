"""More frames as plain maps, written by hand: those of the messenger. See `samples`."""

from typing import Any

Wire = dict[str, Any]

REF = {"from": "@bob", "id": "m-1"}
AT = 1_767_225_600_000
PLACE = {"box": "@alice", "seq": 17, "at": AT}
IN_ROOM = {"box": "#general", "seq": 42, "at": AT}
CODE = "Zm9vYmFyYmF6cXV4_-0"
_ROOM = {"room": "#general"}
_BOB = {"who": "@bob"}


def _client(name: str, /, **fields: Any) -> tuple[str, Wire]:
    kind = name.partition(":")[0]
    return name, {"type": kind, "id": f"{kind}-1", **fields}


def _entry(name: str, place: Wire, more: Wire | None = None, /, **fields: Any) -> tuple[str, Wire]:
    kind = name.partition(":")[0]
    head = {"type": kind, "id": f"{kind}-1", "from": "@alice"}
    return name, {**head, **fields, **place, **(more or {})}


CLIENT: list[tuple[str, Wire]] = [
    _client(
        "message: of a thread, calling people, for an hour",
        to="#general",
        text="@all look",
        ref=REF,
        thread=REF,
        mentions=["@all", "@bob"],
        expires_s=3600,
    ),
    _client("edit", to="@bob", ref=REF, text="better words"),
    _client("edit: calling people", to="@bob", ref=REF, text="@bob", mentions=["@bob"]),
    _client("delete", to="@bob", ref=REF),
    _client("delete: for oneself", to="#general", ref=REF, only_me=True),
    _client("delete: the words of a payment", to="@bob", ref=REF, note=True),
    _client("react", to="#general", ref=REF, emoji="👍🏽"),
    _client("react: not any more", to="#general", ref=REF, emoji="❤️", remove=True),
    _client("pin", to="#general", ref=REF),
    _client("pin: not any more", to="#general", ref=REF, remove=True),
    _client("forward", to="@carol", ref=REF, box="#general", seq=42),
    _client("create: a private room", **_ROOM, access="private", title="Tea & talk"),
    _client("join: by a link", **_ROOM, code=CODE),
    _client("invite", **_ROOM, **_BOB),
    _client("invite: a link", **_ROOM, code=CODE, uses=5, expires_s=86_400),
    _client("invite: the end of a link", **_ROOM, code=CODE, uses=0),
    _client("kick", **_ROOM, **_BOB),
    _client("ban", **_ROOM, **_BOB),
    _client("ban: for a day", **_ROOM, **_BOB, for_s=86_400),
    _client("ban: not any more", **_ROOM, **_BOB, remove=True),
    _client("mute", **_ROOM, **_BOB),
    _client("mute: for a minute", **_ROOM, **_BOB, for_s=60),
    _client("role", **_ROOM, **_BOB, role="admin"),
    _client("topic", **_ROOM, topic="Everything about tea"),
    _client("topic: the rules", **_ROOM, topic="", title="Tea", access="ask", slow_s=30),
    _client("profile", name="Alice", about="at sea 🌊"),
    _client("profile: privacy", receipts=False, seen=False),
    _client("arrange", who="#general", muted=True, pinned=False, archived=True),
    _client("accept", **_BOB),
    _client("accept: into a room", **_BOB, **_ROOM),
    _client("decline", **_BOB),
    _client("block", **_BOB),
    _client("unblock", **_BOB),
    _client("revoke", device="0123456789abcdef"),
    _client("revoke: all others"),
    _client("erase", password="correct horse"),
    _client("suspend", **_BOB),
    _client("suspend: not any more", **_BOB, suspended=False),
    _client("history: what came after", box="@alice", after=0),
    _client("history: from a date", box="#general", at=AT, limit=200),
    _client("thread", box="#general", ref=REF),
    _client("thread: the next page", box="#general", ref=REF, after=42, limit=1),
    _client("conversations"),
    _client("conversations: the next page", after="@bob", limit=200),
    _client("profiles", who=["@bob", "#general"]),
    _client("watch", who=[]),
    _client("watch: two people", who=["@bob", "@carol"]),
    _client("devices"),
    _client("search", words="tea bob"),
    _client(
        "search: everything named",
        words="茶",
        box="#general",
        who="@bob",
        since=0,
        until=AT,
        money=True,
        after="42",
        limit=50,
    ),
    _client("export"),
    ("presence: for those who watch", {"type": "presence", "state": "away"}),
]

_TEXT = {"id": "m-1", "from": "@bob", "to": "@alice", "text": "hello"}
_DEVICE = {"device": "0123456789abcdef", "name": "laptop", "since": AT, "seen": AT + 1}
_STANDS = {"type": "message", **_TEXT, **PLACE}

HUB: list[tuple[str, Wire]] = [
    (
        "message: of a thread, calling people, for an hour",
        {
            "type": "message",
            **_TEXT,
            "ref": REF,
            **PLACE,
            "thread": REF,
            "mentions": ["@alice"],
            "expires_s": 3600,
        },
    ),
    ("message: gone", {"type": "message", **_TEXT, "text": "", **PLACE, "gone": "deleted"}),
    _entry("edit", PLACE, {"mentions": ["@bob"]}, to="@bob", ref=REF, text="better words"),
    _entry("edit: gone", PLACE, {"gone": "erased"}, to="@bob", ref=REF, text=""),
    _entry("delete", PLACE, to="@bob", ref=REF),
    _entry("delete: for oneself", PLACE, {"only_me": True}, to="#general", ref=REF),
    _entry("delete: the words of a payment", PLACE, {"note": True}, to="@bob", ref=REF),
    _entry("react", IN_ROOM, to="#general", ref=REF, emoji="👍🏽"),
    _entry("react: not any more", IN_ROOM, {"remove": True}, to="#general", ref=REF, emoji="👍"),
    _entry("pin", IN_ROOM, to="#general", ref=REF),
    _entry("pin: not any more", IN_ROOM, {"remove": True}, to="#general", ref=REF),
    _entry("forward", PLACE, to="@carol", ref=REF, text="hello"),
    (
        "payment: waiting, its words gone",
        {
            "type": "payment",
            "id": "p-1",
            "from": "@alice",
            "to": "@bob",
            "amount": 500,
            "currency": "USD",
            **PLACE,
            "state": "waiting",
            "gone": "deleted",
        },
    ),
    (
        "settled: what had waited",
        {
            "type": "settled",
            "id": "p-1",
            "from": "@alice",
            "to": "@bob",
            "amount": 500,
            "currency": "USD",
            **PLACE,
            "balance": {"available": 500, "held": 0, "version": 2},
        },
    ),
    _entry("create: a private room", IN_ROOM, {"access": "private", "title": "Tea"}, **_ROOM),
    _entry("join: asking", IN_ROOM, {"asks": True}, **_ROOM),
    _entry("invite", PLACE, **_ROOM, **_BOB),
    _entry("kick", IN_ROOM, **_ROOM, **_BOB),
    _entry("ban", IN_ROOM, **_ROOM, **_BOB),
    _entry("ban: for a day", IN_ROOM, {"for_s": 86_400}, **_ROOM, **_BOB),
    _entry("ban: not any more", IN_ROOM, {"remove": True}, **_ROOM, **_BOB),
    _entry("mute", IN_ROOM, {"for_s": 3600}, **_ROOM, **_BOB),
    _entry("mute: not any more", IN_ROOM, {"remove": True}, **_ROOM, **_BOB),
    _entry("role", IN_ROOM, **_ROOM, **_BOB, role="reader"),
    _entry("topic", IN_ROOM, {"topic": "tea", "slow_s": 0}, **_ROOM),
    _entry("topic: the rules", IN_ROOM, {"title": "Tea", "access": "ask", "slow_s": 30}, **_ROOM),
    _entry("profile", PLACE, {"name": "Alice", "about": "", "receipts": False, "seen": True}),
    _entry("arrange", PLACE, {"muted": True, "pinned": False, "archived": True}, **_BOB),
    _entry("accept", PLACE, **_BOB),
    _entry("accept: into a room", IN_ROOM, _ROOM, **_BOB),
    _entry("decline", PLACE, **_BOB),
    _entry("decline: not into a room", IN_ROOM, _ROOM, **_BOB),
    _entry("block", PLACE, **_BOB),
    _entry("unblock", PLACE, **_BOB),
    _entry("revoke", PLACE, {"device": "0123456789abcdef"}),
    _entry("revoke: all others", PLACE),
    (
        "ack: money that waits",
        {
            "type": "ack",
            "id": "p-1",
            "at": AT,
            "durable": "disk",
            "box": "@alice",
            "seq": 17,
            "state": "waiting",
            "balance": {"available": 0, "held": 0, "version": 2},
        },
    ),
    (
        "history: with what changes it",
        {
            "type": "history",
            "id": "y1",
            "box": "@alice",
            "entries": [_STANDS],
            "more": False,
            "later": [
                _entry(
                    "react", {"box": "@alice", "seq": 90, "at": AT}, to="@bob", ref=REF, emoji="🎉"
                )[1]
            ],
        },
    ),
    (
        "thread",
        {"type": "thread", "id": "t1", "box": "@alice", "entries": [_STANDS], "more": True},
    ),
    (
        "members: a reader, who is muted",
        {
            "type": "members",
            "id": "mm1",
            "room": "#general",
            "members": [{"who": "@bob", "role": "reader", "muted": AT}],
            "more": False,
        },
    ),
    (
        "conversations",
        {
            "type": "conversations",
            "id": "cv1",
            "conversations": [
                {"who": "#general", "state": "room", "muted": True, "pinned": True},
                {
                    "who": "@bob",
                    "state": "request",
                    "unread": 2,
                    "unread_more": True,
                    "read_up_to": 15,
                    "last": _STANDS,
                    "archived": True,
                    "waiting": {"USD": 500},
                },
            ],
            "more": True,
        },
    ),
    (
        "profiles",
        {
            "type": "profiles",
            "id": "pr1",
            "profiles": [
                {"who": "@bob"},
                {"who": "@carol", "name": "Carol", "about": "at sea", "seen": AT},
                {"who": "#general", "access": "ask", "slow_s": 30, "members": 10_000},
            ],
        },
    ),
    ("watch", {"type": "watch", "id": "w1", "online": ["@bob"], "away": []}),
    (
        "devices",
        {"type": "devices", "id": "dv1", "devices": [{**_DEVICE, "current": True}, _DEVICE]},
    ),
    (
        "found",
        {"type": "found", "id": "f1", "hits": [{"entry": _STANDS, "snippet": "hello"}]}
        | {"after": "42", "behind": 3},
    ),
    ("found: nothing", {"type": "found", "id": "f2", "hits": []}),
    (
        "export",
        {
            "type": "export",
            "id": "x1",
            "handle": "@alice",
            "profile": {"who": "@alice", "name": "Alice"},
            "settings": {"receipts": True, "seen": False},
            "balances": {"USD": {"available": 9500, "held": 0}},
            "rooms": {"#general": "owner"},
            "contacts": {"@bob": "accepted"},
            "devices": [_DEVICE],
            "boxes": {"@alice": 17, "#general": 42},
        },
    ),
    ("presence: gone", {"type": "presence", "from": "@bob", "to": "@alice", "state": "offline"}),
]
