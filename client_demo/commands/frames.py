"""The frames of commands, from the values that were typed. What has no value is left out."""

from __future__ import annotations

import re
import secrets
from typing import Any

from protocol import money
from protocol.limits import MENTIONS_MAX

from ..conversation import Line
from . import emoji
from .arguments import NAME, PERSON, CommandError, last_moment, moment
from .context import Context
from .row import Frame, Maker, Values

_MENTION = re.compile(r"(?<![\w@#])@[a-z0-9_]{2,32}(?!\w)")
_NAME = re.compile(r"@[a-z0-9_]{2,32}")
_CODE_BYTES = 16


def _frame(type: str, **fields: Any) -> Frame:
    given = {name: value for name, value in fields.items() if value not in (None, False)}
    return {"type": type} | given


def _ref(line: Line) -> Frame:
    return {"from": line.sender, "id": line.id}


def _mentions(place: str, text: str) -> list[str] | None:
    """Whom a text in a room calls."""
    if not place.startswith("#"):
        return None
    return list(dict.fromkeys(_MENTION.findall(text)))[:MENTIONS_MAX] or None


def _box(place: str, context: Context) -> str:
    """The box that holds a conversation."""
    return place if place.startswith("#") else context.me


def asking(type: str, **fields: Any) -> Maker:
    """A frame whose fields are the values, by name."""

    def make(values: Values, _: Context) -> Frame:
        return _frame(type, **values, **fields)

    return make


def looking_back(values: Values, context: Context) -> Frame:
    """A page of a box, before a line or from a time on."""
    before, at = values.get("before"), values.get("at")
    return _frame("history", box=_box(values["place"], context), before=before, at=at)


def saying(values: Values, context: Context) -> Frame:
    """Words, perhaps such as disappear."""
    place, text = values["place"], emoji.expand(values["text"])
    mentions = _mentions(place, text)
    lifetime = values.get("for_s")
    return _frame("message", to=place, text=text, mentions=mentions, expires_s=lifetime)


def editing(values: Values, context: Context) -> Frame | None:
    """Other words; without any nothing is sent: the client brings the old ones to the line."""
    return about("edit")(values, context) if "text" in values else None


def about(type: str) -> Maker:
    """A frame that speaks of a line."""

    def make(values: Values, _: Context) -> Frame:
        place, what = values["place"], values.get("what")
        text = emoji.expand(values["text"]) if "text" in values else None
        return _frame(
            type,
            to=place,
            ref=_ref(values["line"]),
            text=text,
            mentions=_mentions(place, text) if text else None,
            emoji=values.get("emoji"),
            remove="off" in values,
            only_me=what == "me",
            note=what == "note",
        )

    return make


def threading(values: Values, context: Context) -> Frame:
    """Words in the thread of a line; without words the question what is in it."""
    place, line = values["place"], values["line"]
    root = line.thread or line.key
    ref = {"from": root[0], "id": root[1]}
    if "text" in values:
        return saying(values, context) | {"thread": ref}
    return _frame("thread", box=_box(place, context), ref=ref)


def forwarding(values: Values, context: Context) -> Frame:
    """A line, sent on: words that are there to stay."""
    line, place = values["line"], values["place"]
    if line.kind not in ("message", "forward") or line.ends_at is not None:
        what = "what disappears" if line.ends_at is not None else "money"
        raise CommandError(f"{what} cannot be sent on; name another line than ^{line.seq}")
    box = _box(place, context)
    return _frame("forward", to=values["to"], ref=_ref(line), box=box, seq=line.seq)


def paying(values: Values, context: Context) -> Frame:
    """Money; typed in a room, it is shown there."""
    amount, text = values["amount"], values.get("text")
    currency = values.get("currency") or context.currency
    if currency is None:
        raise CommandError("name the currency, like: /pay @bob 5.00 USD coffee")
    first = (text or "").partition(" ")[0]
    if "currency" not in values and re.fullmatch(r"[A-Z]{3}", first):
        example = f"/pay {values['who']} {amount} {currency} {first}"
        raise CommandError(f"{first!r} is no currency; if it is a note, write: {example}")
    if text and _NAME.fullmatch(text.strip()):
        raise CommandError(f"to pay {text.strip()}, write: /pay {text.strip()} {amount}")
    room = context.here if (context.here or "").startswith("#") else None
    try:
        minor = money.parse(amount, currency)
    except money.MoneyError as error:
        raise CommandError(str(error)) from None
    return _frame(
        "payment", to=values["who"], amount=minor, currency=currency, text=text, room=room
    )


def searching(values: Values, _: Context) -> Frame:
    """A question for entries; words such as `from:@bob` narrow it."""
    words, fields = [], {}
    for word in values["words"].split():
        key, colon, value = word.partition(":")
        if colon and key == "in":
            fields["box"] = NAME.read(value)
        elif colon and key == "from":
            fields["who"] = PERSON.read(value)
        elif colon and key == "since":
            fields[key] = moment(value)
        elif colon and key == "until":
            fields[key] = last_moment(value)
        elif word == "money":
            fields["money"] = True
        else:
            words.append(word)
    return _frame("search", words=" ".join(words) or None, **fields)


def arranging(flag: str) -> Maker:
    """How a conversation is to be seen."""

    def make(values: Values, _: Context) -> Frame:
        return {"type": "arrange", "who": values["who"], flag: "off" not in values}

    return make


def slow(values: Values, _: Context) -> Frame:
    """How long a member waits between lines; without a time not at all."""
    return {"type": "topic", "room": values["room"], "slow_s": values.get("slow_s", 0)}


def link(values: Values, _: Context) -> Frame:
    """A link with a code of our own making."""
    code = secrets.token_urlsafe(_CODE_BYTES)
    return _frame("invite", code=code, **values)


def unlink(values: Values, _: Context) -> Frame:
    """The end of a link."""
    return {"type": "invite", "room": values["room"], "code": values["code"], "uses": 0}


def describing(values: Values, _: Context) -> Frame:
    """What somebody says of themselves."""
    return {"type": "profiles", "who": [values["who"]]}


def switching(field: str) -> Maker:
    """A yes or no about oneself."""

    def make(values: Values, _: Context) -> Frame:
        return {"type": "profile", field: values["on"] == "on"}

    return make
