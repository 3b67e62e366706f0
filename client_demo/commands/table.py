"""Every command: its name, its arguments, what it is for, and the frame that it makes.

A row without a frame is done by the client itself. Adding a row here is all that a new command
needs to be parsed, completed, in the palette, in the help and in the line mode.
"""

from __future__ import annotations

from .arguments import (
    AMOUNT,
    CODE,
    CURRENCY,
    DAY,
    DEVICE,
    EMOJI,
    FOLDER,
    LINE,
    NAME,
    NUMBER,
    OFF,
    PERSON,
    PLACE,
    ROOM,
    SPAN,
    SWITCH,
    TEXT,
    TITLE,
    TOPIC,
    WORD,
    WORDS,
    Arg,
    choice,
)
from .context import ANY
from .frames import (
    about,
    arranging,
    asking,
    describing,
    editing,
    forwarding,
    link,
    looking_back,
    paying,
    saying,
    searching,
    slow,
    switching,
    threading,
    unlink,
)
from .row import Frame, Row, Values

__all__ = ["BY_NAME", "GROUPS", "ROWS", "SAY", "Frame", "Row", "Values"]

_PLACE = Arg("place", PLACE, here=True)
_LINE = Arg("ref", LINE, optional=True)
_TEXT = Arg("text", TEXT)
_OFF = Arg("off", OFF, optional=True)
_HERE = Arg("room", ROOM, here=True)
_ROOM_TOO = Arg("room", ROOM, optional=True, here=True)
_WHO = Arg("who", PERSON)
_PEER = Arg("who", PERSON, here=True)
_NAMED = Arg("who", NAME, here=True)
_SWITCH = Arg("on", SWITCH)
_SPAN = Arg("for_s", SPAN, optional=True)
_PEACE = "to hear less of a conversation yourself, write /quiet"
_ACCESS = choice("public", "private", "ask")

SAY = Row("say", (_TEXT,), "", saying)
"""A line without a command."""

GROUPS: dict[str, tuple[Row, ...]] = {
    "Talk": (
        Row("reply", (_PLACE, _LINE, _TEXT), "answer a line", about("message")),
        Row(
            "thread",
            (_PLACE, _LINE, Arg("text", TEXT, optional=True)),
            "show a line's thread, or write in it",
            threading,
        ),
        Row(
            "edit",
            (_PLACE, _LINE, Arg("text", TEXT, optional=True)),
            "other words for your line; alone it brings the old ones",
            editing,
            ("message",),
        ),
        Row(
            "delete",
            (_PLACE, _LINE, Arg("what", choice("me", "note"), optional=True)),
            "for all; me: only for you; note: the words of a payment",
            about("delete"),
            ("message", "forward"),
        ),
        Row("react", (_PLACE, _LINE, Arg("emoji", EMOJI), _OFF), "react to a line", about("react")),
        Row("pin", (_PLACE, _LINE, _OFF), "keep a line in view", about("pin"), ANY),
        Row("pins", (_PLACE,), "the lines that are pinned"),
        Row(
            "info",
            (_PLACE, _LINE),
            "who read a line, who reacted, its earlier words",
            own=ANY,
            screen=True,
        ),
        Row("forward", (Arg("to", NAME), _PLACE, _LINE), "send a line on", forwarding),
        Row("vanish", (_PLACE, Arg("for_s", SPAN), _TEXT), "words that disappear", saying),
        Row(
            "pay",
            (
                _PEER,
                Arg("amount", AMOUNT),
                Arg("currency", CURRENCY, optional=True),
                Arg("text", TEXT, optional=True),
            ),
            "pay; in a room, everyone sees it",
            paying,
        ),
    ),
    "Conversations": (
        Row("open", (Arg("who", NAME),), "talk with a person, or in a room", screen=True),
        Row("close", (), "an empty conversation", screen=True),
        Row("conversations", (), "all of them, with requests", asking("conversations")),
        Row(
            "history",
            (_PLACE, Arg("before", LINE, optional=True), Arg("at", DAY, optional=True)),
            "before a line, or from a day on",
            looking_back,
        ),
        Row(
            "search",
            (Arg("words", WORDS),),
            "in:#room from:@bob since:DAY until:DAY money",
            searching,
        ),
        Row("more", (), "the next page of the last answer"),
        Row("accept", (_PEER, _ROOM_TOO), "a stranger; or into a room", asking("accept")),
        Row("decline", (_PEER, _ROOM_TOO), "money goes back", asking("decline")),
        Row("block", (_PEER,), "no words, no money", asking("block")),
        Row("unblock", (_PEER,), "end a block", asking("unblock")),
        Row("quiet", (_NAMED, _OFF), "no notice of news", arranging("muted")),
        Row("keep", (_NAMED, _OFF), "on top of the list", arranging("pinned")),
        Row("archive", (_NAMED, _OFF), "out of the list", arranging("archived")),
    ),
    "Rooms": (
        Row(
            "create",
            (
                Arg("room", ROOM),
                Arg("access", _ACCESS, optional=True),
                Arg("title", TITLE, optional=True),
            ),
            "make a room",
            asking("create"),
        ),
        Row("join", (Arg("room", ROOM), Arg("code", CODE, optional=True)), "enter", asking("join")),
        Row("leave", (_HERE,), "this room", asking("leave")),
        Row(
            "members",
            (_HERE, Arg("after", PERSON, optional=True)),
            "who is in",
            asking("members"),
        ),
        Row("invite", (_HERE, _WHO), "a person", asking("invite")),
        Row(
            "link",
            (_HERE, Arg("uses", NUMBER, optional=True), Arg("expires_s", SPAN, optional=True)),
            "a code that lets others in",
            link,
        ),
        Row("unlink", (_HERE, Arg("code", CODE)), "end a code", unlink),
        Row("kick", (_HERE, _WHO), "put out", asking("kick")),
        Row("ban", (_HERE, _WHO, _SPAN), "put out and keep out", asking("ban")),
        Row("unban", (_HERE, _WHO), "end that", asking("ban", remove=True)),
        Row("mute", (_HERE, _WHO, _SPAN), "may only read for a time", asking("mute"), see=_PEACE),
        Row("unmute", (_HERE, _WHO), "end that", asking("mute", remove=True)),
        Row(
            "role",
            (_HERE, _WHO, Arg("role", choice("owner", "admin", "member", "reader"))),
            "owner gives the room away",
            asking("role"),
        ),
        Row("topic", (_HERE, Arg("topic", TOPIC)), "what it is about", asking("topic")),
        Row("title", (_HERE, Arg("title", TITLE)), "its name in words", asking("topic")),
        Row("access", (_HERE, Arg("access", _ACCESS)), "who may join", asking("topic")),
        Row("slow", (_HERE, Arg("slow_s", SPAN, optional=True)), "time between lines", slow),
    ),
    "You": (
        Row("profile", (_NAMED,), "of a person or a room", describing),
        Row("name", (Arg("name", TITLE),), "your name in words", asking("profile")),
        Row("about", (Arg("about", TOPIC),), "your status text", asking("profile")),
        Row("receipts", (_SWITCH,), "tell what you read, both ways", switching("receipts")),
        Row("seen", (_SWITCH,), "tell when you were here", switching("seen")),
        Row("away", (), "show that you are away", asking("presence", state="away")),
        Row("back", (), "show that you are back", asking("presence", state="online")),
        Row("balance", (), "what you have", asking("balance")),
        Row("devices", (), "where you are logged in", asking("devices")),
        Row(
            "revoke",
            (Arg("device", DEVICE, optional=True),),
            "log out a device, or all others",
            asking("revoke"),
        ),
        Row("export", (Arg("folder", FOLDER),), "all you have, as JSON and HTML"),
        Row(
            "erase",
            (Arg("who", PERSON, optional=True), Arg("password", WORD, optional=True)),
            "close the account for ever",
        ),
        Row("theme", (Arg("name", WORD, optional=True),), "other colours", screen=True),
        Row("help", (), "this page"),
        Row("logout", (), "quit, and forget the kept login", asking("logout")),
        Row("quit", (), "end"),
    ),
}

ROWS: tuple[Row, ...] = tuple(row for rows in GROUPS.values() for row in rows)
BY_NAME: dict[str, Row] = {row.name: row for row in ROWS}
