"""Bytes that must be refused, and bytes that must be taken though nobody would write them so.

Each refusal names the code and the id that the answer carries. The expectation is written by
hand from docs/protocol.md, never taken from the codec.
"""

from typing import NamedTuple

import msgpack

from protocol.errors import Code

from .samples import MAX, Wire


class Refusal(NamedTuple):
    name: str
    codec: str
    payload: bytes
    code: Code
    id: str | None = None
    direction: str = "client"


class Variant(NamedTuple):
    name: str
    codec: str
    payload: bytes
    frame: Wire
    direction: str = "client"


def message(text: bytes = b'"hi"', more: bytes = b"") -> bytes:
    """A message in JSON around the bytes of its text."""
    return b'{"type":"message","id":"m","to":"@bob","text":%s%s}' % (text, more)


def payment(amount: bytes = b"5", more: bytes = b"") -> bytes:
    """A payment in JSON around the bytes of its amount."""
    return b'{"type":"payment","id":"p","to":"@bob","amount":%s,"currency":"USD"%s}' % (
        amount,
        more,
    )


def pack_map(*pairs: tuple[object, object], head: bytes | None = None) -> bytes:
    """A MessagePack map of these pairs; a key or value that is `bytes` is taken as encoded."""
    parts = [head if head is not None else bytes([0x80 | len(pairs)])]
    for pair in pairs:
        parts += [part if isinstance(part, bytes) else msgpack.packb(part) for part in pair]
    return b"".join(parts)


MESSAGE: Wire = {"type": "message", "id": "m", "to": "@bob", "text": "hi"}
PAYMENT: Wire = {"type": "payment", "id": "p", "to": "@bob", "amount": 5, "currency": "USD"}
_M = tuple(MESSAGE.items())
_P = tuple(PAYMENT.items())


def paid(amount: bytes) -> bytes:
    """A payment in MessagePack around the bytes of its amount."""
    return pack_map(*_P[:3], ("amount", amount), _P[4])


def _json(name: str, payload: bytes, code: Code, id: str | None = None) -> Refusal:
    return Refusal(name, "json", payload, code, id)


def _msgpack(name: str, payload: bytes, code: Code, id: str | None = None) -> Refusal:
    return Refusal(name, "msgpack", payload, code, id)


_BAD, _AMOUNT = Code.MALFORMED, Code.AMOUNT_INVALID
_HELLO = b'{"type":"hello","id":"h","token":"t","cursors":%s}'
_ID_37 = b'{"type":"balance","id":"%s"}' % (b"x" * 37)

JSON_REFUSALS = [
    _json("nothing", b"", _BAD),
    _json("not JSON", b"hello", _BAD),
    _json("null", b"null", _BAD),
    _json("a list", b"[]", _BAD),
    _json("an empty map", b"{}", _BAD),
    _json("no type", b'{"id":"x"}', _BAD, "x"),
    _json("a type that does not exist", b'{"type":"pay","id":"x"}', Code.UNKNOWN_TYPE, "x"),
    _json("a type that is a number", b'{"type":5,"id":"x"}', Code.UNKNOWN_TYPE, "x"),
    _json("a frame of the hub", b'{"type":"welcome","id":"x"}', Code.UNKNOWN_TYPE, "x"),
    _json("a cut frame", message()[:-1], _BAD),
    _json("a trailing byte", message() + b"x", _BAD),
    _json("two frames", message() + message(), _BAD),
    _json("a byte order mark", b"\xef\xbb\xbf" + message(), _BAD),
    _json("UTF-16", message().decode().encode("utf-16-le"), _BAD),
    _json("a comment", b"/**/" + message(), _BAD),
    _json("single quotes", b"{'type':'balance','id':'x'}", _BAD),
    _json("a trailing comma", b'{"type":"balance","id":"x",}', _BAD),
    _json("bad UTF-8", message(b'"\xff"'), _BAD),
    _json("overlong UTF-8", message(b'"\xc0\xaf"'), _BAD),
    _json("a surrogate as UTF-8", message(b'"\xed\xa0\x80"'), _BAD),
    _json("a lone escaped surrogate", message(b'"\\ud800"'), _BAD),
    _json("a raw newline in a string", message(b'"a\nb"'), _BAD),
    _json("an empty id", b'{"type":"balance","id":""}', Code.ID_INVALID),
    _json("an id of 37 characters", _ID_37, Code.ID_INVALID),
    _json("an id that is a number", b'{"type":"balance","id":7}', Code.ID_INVALID),
    _json("no id", b'{"type":"balance"}', _BAD),
    _json("a handle in capitals", b'{"type":"login","id":"l","handle":"Al","password":"x"}',
          Code.NAME_INVALID, "l"),
    _json("a payment to a room", payment().replace(b"@bob", b"#bob"), Code.NAME_INVALID, "p"),
    _json("a name with a newline", payment().replace(b"@bob", b"@bob\\n"), Code.NAME_INVALID, "p"),
    _json("an empty text", message(b'""'), Code.TEXT_INVALID, "m"),
    _json("a text that is a number", message(b"5"), Code.TEXT_INVALID, "m"),
    _json("a short password", b'{"type":"register","id":"r","handle":"al","password":"1234567"}',
          Code.PASSWORD_INVALID, "r"),
    _json("an unknown field", message(more=b',"amuont":5'), _BAD, "m"),
    _json("an optional field that is null", message(more=b',"ref":null'), _BAD, "m"),
    _json("a missing field", b'{"type":"message","id":"m","to":"@bob"}', _BAD, "m"),
    *(
        _json(f"an amount of {text}", payment(text.encode()), _AMOUNT, "p")
        for text in ("0", "-1", "-0", "1.0", "1.5", "5e0", "1E400", "true", "null", '"5"', "[5]",
                     "{}", str(MAX + 1), str(2**64), "9" * 100)
    ),
    *(
        _json(f"an amount of {text}", payment(text.encode()), _BAD)
        for text in ("NaN", "Infinity", "01", "+1", "1_000", ".5", "5.")
    ),
    _json("a text twice", message(more=b',"text":"hi"'), _BAD, "m"),
    _json("a type twice", message(more=b',"type":"message"'), _BAD, "m"),
    _json("an id twice", message(more=b',"id":"other"'), _BAD, "other"),
    _json("an amount twice", payment(more=b',"amount":5'), _BAD, "p"),
    _json("an amount twice, once escaped", payment(more=b',"\\u0061mount":9'), _BAD, "p"),
    _json("an amount twice, a quote in the text",
          payment(more=b',"amount":9,"text":"\\""'), _BAD, "p"),
    _json("a doubled key in a map within", _HELLO % b'{"@bob":1,"@bob":2}', _BAD, "h"),
    _json("a negative cursor", _HELLO % b'{"@bob":-1}', _BAD, "h"),
]  # fmt: skip

_REF_TWICE = pack_map(("from", "@al"), ("from", "@bo"), ("id", "m"))
_CURSOR_TWICE = pack_map(("@bob", 1), (b"\xd9\x04@bob", 2))

MSGPACK_REFUSALS = [
    _msgpack("nothing", b"", _BAD),
    _msgpack("nil", b"\xc0", _BAD),
    _msgpack("the byte that is never used", b"\xc1", _BAD),
    _msgpack("an array", b"\x90", _BAD),
    _msgpack("an empty map", b"\x80", _BAD),
    _msgpack("a cut frame", pack_map(*_M)[:-1], _BAD),
    _msgpack("a trailing byte", pack_map(*_M) + b"\x00", _BAD),
    _msgpack("two frames", pack_map(*_M) * 2, _BAD),
    _msgpack("a map of four billion pairs", b"\xdf\xff\xff\xff\xff", _BAD),
    _msgpack("a string of four billion bytes", b"\x81\xa4type\xdb\xff\xff\xff\xff", _BAD),
    _msgpack("a key as binary", pack_map((b"\xc4\x04type", "message"), *_M[1:]), _BAD),
    _msgpack("a key as a number", pack_map(*_M, (7, 7)), _BAD),
    _msgpack("a text as binary", pack_map(*_M[:3], ("text", b"\xc4\x01a")),
             Code.TEXT_INVALID, "m"),
    _msgpack("bad UTF-8", pack_map(*_M[:3], ("text", b"\xa1\xff")), _BAD),
    _msgpack("a surrogate as UTF-8", pack_map(*_M[:3], ("text", b"\xa3\xed\xa0\x80")), _BAD),
    _msgpack("an unknown field", pack_map(*_M, ("amuont", 5)), _BAD, "m"),
    _msgpack("a type that does not exist", pack_map(("type", "pay"), ("id", "x")),
             Code.UNKNOWN_TYPE, "x"),
    _msgpack("an amount of 0", paid(b"\x00"), _AMOUNT, "p"),
    _msgpack("an amount of -1", paid(b"\xff"), _AMOUNT, "p"),
    _msgpack("an amount of 2^53", paid(msgpack.packb(2**53)), _AMOUNT, "p"),
    _msgpack("an amount of 2^64-1", paid(b"\xcf" + b"\xff" * 8), _AMOUNT, "p"),
    _msgpack("an amount as float 32", paid(b"\xca\x40\xa0\x00\x00"), _AMOUNT, "p"),
    _msgpack("an amount as float 64", paid(msgpack.packb(5.0)), _AMOUNT, "p"),
    _msgpack("an amount as NaN", paid(msgpack.packb(float("nan"))), _AMOUNT, "p"),
    _msgpack("an amount as a string", paid(b"\xa15"), _AMOUNT, "p"),
    _msgpack("an amount as binary", paid(b"\xc4\x01\x05"), _AMOUNT, "p"),
    _msgpack("an amount as an extension", paid(b"\xd4\x01\x05"), _AMOUNT, "p"),
    _msgpack("an amount as a timestamp", paid(b"\xd6\xff\x00\x00\x00\x05"), _AMOUNT, "p"),
    _msgpack("an amount as true", paid(b"\xc3"), _AMOUNT, "p"),
    _msgpack("an amount as nil", paid(b"\xc0"), _AMOUNT, "p"),
    _msgpack("an amount twice", pack_map(*_P, ("amount", 9)), _BAD, "p"),
    _msgpack("an amount twice, as str 8", pack_map(*_P, (b"\xd9\x06amount", 9)), _BAD, "p"),
    _msgpack("an amount twice, map 16", pack_map(*_P, ("amount", 9), head=b"\xde\x00\x06"),
             _BAD, "p"),
    _msgpack("an amount twice, map 32", pack_map(*_P, ("amount", 9), head=b"\xdf\0\0\0\x06"),
             _BAD, "p"),
    _msgpack("a doubled key in a reference", pack_map(*_M, ("ref", _REF_TWICE)), _BAD, "m"),
    _msgpack("a doubled key in the cursors",
             pack_map(("type", "hello"), ("id", "h"), ("token", "t"), ("cursors", _CURSOR_TWICE)),
             _BAD, "h"),
]  # fmt: skip

HUB_REFUSALS = [
    Refusal("no map", "json", b"[]", _BAD, direction="hub"),
    Refusal("a type that does not exist", "json", b'{"type":"shrug"}', Code.UNKNOWN_TYPE,
            direction="hub"),
    Refusal("a float as time", "json", b'{"type":"ack","id":"x","at":1.0,"durable":"disk"}', _BAD,
            direction="hub"),
    Refusal("a type that does not exist", "msgpack", b"\x81\xa4type\xa5shrug", Code.UNKNOWN_TYPE,
            direction="hub"),
]  # fmt: skip

REFUSALS = JSON_REFUSALS + MSGPACK_REFUSALS + HUB_REFUSALS

_TYPING: Wire = {"type": "typing", "from": "@bob", "to": "#general"}
_MEMBERS: Wire = {"type": "members", "id": "x", "room": "#general"}

VARIANTS = [
    Variant("white space", "json", b' {\t"type" :\r\n"message","id":"m", "to":"@bob","text":"hi"} ',
            MESSAGE),
    Variant("another order of fields", "json",
            b'{"text":"hi","to":"@bob","id":"m","type":"message"}', MESSAGE),
    Variant("an escaped key", "json", message().replace(b"text", b"te\\u0078t"), MESSAGE),
    Variant("an escaped value", "json", message(b'"\\u0068\\u0069"'), MESSAGE),
    Variant("escaped quotes", "json", message(b'"\\"\\u0022\\/"'), {**MESSAGE, "text": '""/'}),
    Variant("a surrogate pair", "json", message(b'"\\ud83d\\ude00"'), {**MESSAGE, "text": "😀"}),
    Variant("a default that is spelled out", "json",
            b'{"type":"members","id":"x","room":"#general","limit":100}', _MEMBERS),
    Variant("a field from the future", "json",
            b'{"type":"typing","from":"@bob","to":"#general","mood":[{"a":1.5}]}', _TYPING, "hub"),
    Variant("another order of fields", "msgpack", pack_map(*reversed(_P)), PAYMENT),
    Variant("map 16", "msgpack", pack_map(*_P, head=b"\xde\x00\x05"), PAYMENT),
    Variant("map 32", "msgpack", pack_map(*_P, head=b"\xdf\x00\x00\x00\x05"), PAYMENT),
    Variant("a key as str 8", "msgpack", pack_map((b"\xd9\x04type", "payment"), *_P[1:]), PAYMENT),
    Variant("a key as str 16", "msgpack", pack_map((b"\xda\0\x04type", "payment"), *_P[1:]),
            PAYMENT),
    Variant("a key as str 32", "msgpack", pack_map((b"\xdb\0\0\0\x04type", "payment"), *_P[1:]),
            PAYMENT),
    Variant("an amount as uint 64", "msgpack", paid(b"\xcf" + b"\0" * 7 + b"\x05"), PAYMENT),
    Variant("an amount as int 8", "msgpack", paid(b"\xd0\x05"), PAYMENT),
    Variant("a field from the future", "msgpack", pack_map(*_TYPING.items(), ("mood", 1.5)),
            _TYPING, "hub"),
]  # fmt: skip
