"""Frames as plain maps, written by hand: what the wire should carry, in canonical field order.

The vectors are made from these by `orjson` and `msgpack`, so our codec has no part in them.
"""

from typing import Any

from . import samples_messenger

Wire = dict[str, Any]

MAX = 2**53 - 1
ULID = "01JZ8Q4W7N3V5X2K9C6B0T1M8R"
UUID = "0198f3a2-7c4e-7d10-9b6f-3a5c1e8d2f47"
REF = {"from": "@bob", "id": "m-1"}
EVERY_CHAR_CLASS = 'quote " backslash \\ slash / tab \t newline \n é € 😀 \u2028 \u0001 \x7f'
AT = 1_767_225_600_000
PLACE = {"box": "@alice", "seq": 17, "at": AT}
IN_ROOM = {"box": "#general", "seq": 42, "at": AT}
USD = {"USD": {"available": 9500, "held": 0}}

CLIENT: list[tuple[str, Wire]] = [
    ("register", {"type": "register", "id": "r1", "handle": "alice", "password": "correct horse"}),
    (
        "register: a device, non-ASCII password",
        {
            "type": "register",
            "id": UUID,
            "handle": "a_1",
            "password": "pässwörd",
            "device": "laptop",
        },
    ),
    ("login", {"type": "login", "id": "l1", "handle": "alice", "password": "correct horse"}),
    (
        "login: any password may be tried",
        {"type": "login", "id": "l2", "handle": "bob", "password": "", "device": "phone"},
    ),
    ("hello", {"type": "hello", "id": "h1", "token": "tok_8f2c"}),
    (
        "hello: with cursors",
        {
            "type": "hello",
            "id": "h2",
            "token": "t" * 128,
            "cursors": {"@alice": 17, "#general": 42, "#new": 0},
        },
    ),
    ("hello: no cursors", {"type": "hello", "id": "h3", "token": "t", "cursors": {}}),
    ("logout", {"type": "logout", "id": "x1"}),
    ("message", {"type": "message", "id": "m-1", "to": "@bob", "text": "hello"}),
    ("message: to a room", {"type": "message", "id": ULID, "to": "#general", "text": "hi all"}),
    (
        "message: an answer",
        {"type": "message", "id": "m-2", "to": "@bob", "text": "yes", "ref": REF},
    ),
    (
        "message: every class of character",
        {"type": "message", "id": "é" * 36, "to": "@bob", "text": EVERY_CHAR_CLASS},
    ),
    (
        "message: a text that looks like a frame",
        {"type": "message", "id": "m-3", "to": "@bob", "text": '{"text":"a","text":"b"}'},
    ),
    (
        "payment",
        {"type": "payment", "id": "p-1", "to": "@bob", "amount": 500, "currency": "USD"},
    ),
    (
        "payment: with words, in a room",
        {
            "type": "payment",
            "id": ULID,
            "to": "@bob",
            "amount": 500,
            "currency": "USD",
            "text": "coffee",
            "room": "#general",
        },
    ),
    (
        "payment: the smallest amount",
        {"type": "payment", "id": "p-2", "to": "@bob", "amount": 1, "currency": "JPY"},
    ),
    (
        "payment: the largest amount",
        {"type": "payment", "id": "p-3", "to": "@bob", "amount": MAX, "currency": "KWD"},
    ),
    (
        "payment: only if a replica has it, too",
        {
            "type": "payment",
            "id": "p-4",
            "to": "@bob",
            "amount": 5,
            "currency": "USD",
            "durable": "replica",
        },
    ),
    ("create", {"type": "create", "id": "c1", "room": "#general"}),
    ("create: the longest name", {"type": "create", "id": "c2", "room": "#" + "z" * 32}),
    ("join", {"type": "join", "id": "j1", "room": "#general"}),
    ("leave", {"type": "leave", "id": "v1", "room": "#general"}),
    ("members", {"type": "members", "id": "mm1", "room": "#general"}),
    (
        "members: the next page",
        {"type": "members", "id": "mm2", "room": "#general", "after": "@bob", "limit": 200},
    ),
    ("history", {"type": "history", "id": "y1", "box": "@alice"}),
    (
        "history: a page below",
        {"type": "history", "id": "y2", "box": "#general", "before": 42, "limit": 1},
    ),
    ("balance", {"type": "balance", "id": "b1"}),
    ("status", {"type": "status", "id": "s1", "of": "p-1"}),
    ("read", {"type": "read", "id": "rd1", "to": "@bob", "up_to": "m-1"}),
    ("delivered", {"type": "delivered", "id": "d1", "to": "#general", "up_to": "m-1"}),
    ("typing", {"type": "typing", "to": "@bob"}),
    ("presence", {"type": "presence", "to": "#general"}),
    ("presence: away", {"type": "presence", "to": "@bob", "state": "away"}),
    (
        "deposit",
        {"type": "deposit", "id": "o1", "to": "@alice", "amount": 10_000, "currency": "USD"},
    ),
    (
        "deposit: with words",
        {
            "type": "deposit",
            "id": "o2",
            "to": "@alice",
            "amount": 10_000,
            "currency": "USD",
            "text": "opening balance",
        },
    ),
    ("freeze", {"type": "freeze", "id": "f1", "who": "@bob"}),
    ("freeze: lifted", {"type": "freeze", "id": "f2", "who": "@bob", "frozen": False}),
]

_MESSAGE = {"type": "message", "id": "m-1", "from": "@bob", "to": "@alice", "text": "hello"}
_PAID = {"type": "payment", "id": "p-1", "from": "@bob", "to": "@alice"}
_ACK = {"type": "ack", "id": "p-1", "at": AT, "durable": "disk", "box": "@alice", "seq": 17}

HUB: list[tuple[str, Wire]] = [
    (
        "welcome",
        {
            "type": "welcome",
            "id": "r1",
            "handle": "alice",
            "boxes": {"@alice": {"epoch": 1, "seq": 0}},
            "balances": {},
            "version": 0,
            "limits": {"frame_bytes": 131_072},
            "token": "tok_8f2c",
        },
    ),
    (
        "welcome: resumed, one gap too long",
        {
            "type": "welcome",
            "id": "h2",
            "handle": "alice",
            "boxes": {
                "@alice": {"epoch": 1, "seq": 17},
                "#general": {"epoch": 2, "seq": 9000, "limited": True, "first": 8001},
            },
            "balances": USD,
            "version": 3,
            "limits": {},
        },
    ),
    ("ack", {"type": "ack", "id": "x1", "at": AT, "durable": "memory"}),
    ("ack: a message", {**_ACK, "id": "m-1", "durable": "replica"}),
    ("ack: a join that only asks", {**_ACK, "id": "j1", "box": "#general", "asks": True}),
    (
        "ack: a payment",
        {**_ACK, "state": "settled", "balance": {"available": 9500, "held": 0, "version": 3}},
    ),
    (
        "ack: a payment, replayed",
        {
            **_ACK,
            "replayed": True,
            "state": "accepted",
            "balance": {"available": MAX, "held": 1, "version": MAX},
        },
    ),
    (
        "error: nothing could be read",
        {
            "type": "error",
            "code": "malformed",
            "message": "this is not a frame of teller.v1",
            "retry": "never",
        },
    ),
    (
        "error: refused, with details",
        {
            "type": "error",
            "code": "insufficient_funds",
            "message": "there is not enough money",
            "retry": "new_id",
            "id": "p-1",
            "details": {"available": 499, "currency": "USD"},
        },
    ),
    ("goodbye", {"type": "goodbye", "reason": "logged_out"}),
    (
        "goodbye: come back later",
        {
            "type": "goodbye",
            "reason": "going_away",
            "retry_after_ms": 1500,
            "cursors": {"@alice": 17, "#general": 42},
        },
    ),
    ("message", {**_MESSAGE, **PLACE}),
    (
        "message: an answer, in a room",
        {**_MESSAGE, "to": "#general", "text": EVERY_CHAR_CLASS, "ref": REF, **IN_ROOM},
    ),
    ("payment", {**_PAID, "amount": 500, "currency": "USD", **PLACE, "state": "settled"}),
    (
        "payment: on its way to another partition",
        {**_PAID, "amount": 500, "currency": "USD", **PLACE, "state": "accepted"},
    ),
    (
        "payment: live, with one's balance",
        {
            **_PAID,
            "amount": 500,
            "currency": "USD",
            **PLACE,
            "state": "settled",
            "balance": {"available": 10_000, "held": 0, "version": 4},
        },
    ),
    ("payment: accepted", {**_PAID, "amount": 500, "currency": "USD", **PLACE}),
    (
        "payment: with words, in a room",
        {
            **_PAID,
            "amount": MAX,
            "currency": "KWD",
            "text": "coffee",
            "room": "#general",
            **IN_ROOM,
            "state": "settled",
        },
    ),
    (
        "deposit",
        {
            "type": "deposit",
            "id": "o1",
            "from": "$world",
            "to": "@alice",
            "amount": 10_000,
            "currency": "USD",
            "text": "opening balance",
            **PLACE,
            "state": "settled",
        },
    ),
    (
        "settled",
        {
            "type": "settled",
            "id": "p-1",
            "from": "@alice",
            "to": "@bob",
            "amount": 500,
            "currency": "USD",
            **PLACE,
        },
    ),
    (
        "returned: money",
        {
            "type": "returned",
            "id": "p-1",
            "from": "@alice",
            "to": "@bob",
            "reason": "party_frozen",
            "amount": 500,
            "currency": "USD",
            **PLACE,
            "balance": {"available": 500, "held": 0, "version": 4},
        },
    ),
    (
        "returned: the balance cannot hold it",
        {
            "type": "returned",
            "id": "p-2",
            "from": "@alice",
            "to": "@bob",
            "reason": "unknown_account",
            "amount": 500,
            "currency": "USD",
            "suspended": True,
            **PLACE,
        },
    ),
    (
        "returned: words",
        {
            "type": "returned",
            "id": "m-1",
            "from": "@alice",
            "to": "@bob",
            "reason": "unknown_account",
            **PLACE,
        },
    ),
    ("create", {"type": "create", "id": "c1", "from": "@bob", "room": "#general", **IN_ROOM}),
    ("join", {"type": "join", "id": "j1", "from": "@bob", "room": "#general", **IN_ROOM}),
    ("leave", {"type": "leave", "id": "v1", "from": "@bob", "room": "#general", **IN_ROOM}),
    ("read", {"type": "read", "id": "rd1", "from": "@bob", "to": "@alice", "up_to": "m-1"} | PLACE),
    (
        "delivered",
        {"type": "delivered", "id": "d1", "from": "@bob", "to": "@alice", "up_to": "m-1"} | PLACE,
    ),
    (
        "history",
        {
            "type": "history",
            "id": "y1",
            "box": "@alice",
            "entries": [
                {**_MESSAGE, "box": "@alice", "seq": 16, "at": AT},
                {**_PAID, "amount": 500, "currency": "USD", **PLACE, "state": "settled"},
            ],
            "more": True,
        },
    ),
    (
        "history: an empty page",
        {"type": "history", "id": "y2", "box": "#general", "entries": [], "more": False},
    ),
    (
        "members",
        {
            "type": "members",
            "id": "mm1",
            "room": "#general",
            "members": [{"who": "@alice", "role": "owner"}, {"who": "@bob", "role": "member"}],
            "more": False,
        },
    ),
    ("balance", {"type": "balance", "id": "b1", "balances": USD, "version": 3}),
    ("balance: nothing", {"type": "balance", "id": "b2", "balances": {}, "version": 0}),
    (
        "status: stored",
        {"type": "status", "id": "s1", "of": "p-1", "outcome": "stored", "ack": _ACK},
    ),
    (
        "status: unknown",
        {"type": "status", "id": "s2", "of": "p-9", "outcome": "unknown"},
    ),
    ("typing", {"type": "typing", "from": "@bob", "to": "#general"}),
    ("presence", {"type": "presence", "from": "@bob", "to": "@alice", "state": "online"}),
]

CLIENT += samples_messenger.CLIENT
HUB += samples_messenger.HUB
