"""Hypothesis strategies: frames as maps, made from the schema; and odd but legal encodings."""

import json
from typing import Any

import msgspec.inspect as schema
from hypothesis import strategies as st

from protocol import frames

from .samples import Wire


class Pairs(list[tuple[str, Any]]):
    """A map as pairs, so that a key can stand twice; a list is something else."""


def _texts(low: int | None, high: int | None, pattern: str | None) -> st.SearchStrategy[str]:
    if pattern is not None:
        return st.from_regex(pattern)
    return st.text(min_size=low or 0, max_size=min(high or 60, (low or 0) + 60))


def values(kind: schema.Type) -> st.SearchStrategy[Any]:
    """What a field of this type may hold, as a decoder of plain maps would see it."""
    strategy: st.SearchStrategy[Any]
    match kind:
        case schema.StrType(min_length=low, max_length=high, pattern=pattern):
            strategy = _texts(low, high, pattern)
        case schema.IntType(ge=low, le=high):
            strategy = st.integers(-(2**63) if low is None else low, high or 2**63 - 1)
        case schema.BoolType():
            strategy = st.booleans()
        case schema.LiteralType(values=choices):
            strategy = st.sampled_from(choices)
        case schema.DictType(key_type=key, value_type=value):
            strategy = st.dictionaries(values(key), values(value), max_size=4)
        case schema.ListType(item_type=item, min_length=low):
            strategy = st.lists(values(item), min_size=low or 0, max_size=3)
        case schema.UnionType(types=types):
            strategy = st.one_of([values(each) for each in types])
        case schema.StructType():
            strategy = maps(kind)
        case _:
            raise AssertionError(f"no strategy for {kind}")
    return strategy


def maps(kind: schema.StructType) -> st.SearchStrategy[Wire]:
    """A frame, or a map within one, in canonical form: no field holds its default."""
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for field in kind.fields:
        if field.required:
            required[field.encode_name] = values(field.type)
        else:
            # Bound as a default argument: the lambda outlives this turn of the loop.
            optional[field.encode_name] = values(field.type).filter(
                lambda value, default=field.default: value != default
            )
    order = [field.encode_name for field in kind.fields]
    head = {} if kind.tag_field is None else {kind.tag_field: kind.tag}
    return st.fixed_dictionaries(required, optional=optional).map(
        lambda fields: {**head, **{name: fields[name] for name in order if name in fields}}
    )


client_maps = values(schema.type_info(frames.AnyClientFrame))
hub_maps = values(schema.type_info(frames.AnyHubFrame))


def pairs_of(value: Any) -> Any:
    """Maps as pairs, all the way down."""
    if isinstance(value, dict):
        return Pairs((key, pairs_of(each)) for key, each in value.items())
    if isinstance(value, list):
        return [pairs_of(each) for each in value]
    return value


@st.composite
def odd_json(draw: st.DrawFn, value: Any) -> bytes:
    """`value` (maps as pairs) as JSON, with free white space and needless escapes."""
    space = draw(st.sampled_from(["", " ", "\r\n\t"]))
    escape = draw(st.booleans())

    def text(of: str) -> str:
        if escape and of and not ord(of[0]) >= 0xD800 and ord(of[0]) < 0x10000:
            return f'"\\u{ord(of[0]):04X}{json.dumps(of[1:], ensure_ascii=False)[1:]}'
        return json.dumps(of, ensure_ascii=draw(st.booleans()))

    def write(of: Any) -> str:
        if isinstance(of, Pairs):
            inner = f"{space},{space}".join(f"{text(k)}{space}:{space}{write(v)}" for k, v in of)
            return f"{{{space}{inner}{space}}}"
        if isinstance(of, list):
            return f"[{space}{f'{space},{space}'.join(map(write, of))}{space}]"
        return text(of) if isinstance(of, str) else json.dumps(of)

    return (space + write(value) + space).encode()


_STR_HEADS = [(0xD9, 1), (0xDA, 2), (0xDB, 4)]
_INT_HEADS = [(0xCC, 1), (0xCD, 2), (0xCE, 4), (0xCF, 8)]


@st.composite
def odd_msgpack(draw: st.DrawFn, value: Any) -> bytes:
    """`value` (maps as pairs) as MessagePack, each item in any encoding that is long enough."""

    def sized(number: int, tiny: bytes | None, heads: list[tuple[int, int]]) -> bytes:
        fits = [bytes([head]) + number.to_bytes(n, "big") for head, n in heads if number < 256**n]
        return draw(st.sampled_from(([tiny] if tiny else []) + fits))

    def write(of: Any) -> bytes:
        if isinstance(of, bool):
            return b"\xc3" if of else b"\xc2"
        if isinstance(of, int):
            return sized(of, bytes([of]) if of < 128 else None, _INT_HEADS)
        if isinstance(of, str):
            raw = of.encode()
            tiny = bytes([0xA0 | len(raw)]) if len(raw) < 32 else None
            return sized(len(raw), tiny, _STR_HEADS) + raw
        if isinstance(of, Pairs):
            tiny = bytes([0x80 | len(of)]) if len(of) < 16 else None
            body = b"".join(write(part) for pair in of for part in pair)
            return sized(len(of), tiny, [(0xDE, 2), (0xDF, 4)]) + body
        tiny = bytes([0x90 | len(of)]) if len(of) < 16 else None
        return sized(len(of), tiny, [(0xDC, 2), (0xDD, 4)]) + b"".join(map(write, of))

    return write(value)
