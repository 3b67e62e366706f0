"""The generated parts of docs/protocol.md: tables of frames, phases, codes and limits.

Everything is read from `protocol`: types from the annotations, meanings from the docstrings.
"""

import ast
import inspect
import re
import typing
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import Meta, UnsetType

from protocol import errors, frames, money, session
from protocol import limits as frame_limits
from protocol.errors import MESSAGES, RETRY, Close, Code, Retry
from protocol.session import LEGAL, Phase

DOC = Path(__file__).parents[2] / "docs" / "protocol.md"
_PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

_WIRE = {str: "string", int: "integer", bool: "boolean"}
_NAMED = ("Id", "Handle", "Person", "RoomName", "Name", "Text", "Amount", "Currency", "Password")
_NAMED += ("Device", "Token", "DeviceId", "InviteCode", "Uses", "Lifetime", "Title", "Emoji", "Seq")
_PARTS = [frames.Ref, frames.Holding, frames.BalanceAfter, frames.BoxState, frames.Member]
_PARTS += [frames.Conversation, frames.Described, frames.OwnDevice, frames.Hit]


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _attribute_docs(module: ModuleType, of: str | None = None) -> dict[str, str]:
    """The strings that stand below assignments in a module, or in one of its classes."""
    tree: Any = ast.parse(inspect.getsource(module))
    if of is not None:
        tree = next(
            node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == of
        )
    docs = {}
    for node, after in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(node, ast.Assign) and isinstance(after, ast.Expr):
            docs[node.targets[0].id] = _flow(after.value.value)  # type: ignore[attr-defined]
    return docs


def _flow(text: str | None) -> str:
    return " ".join((text or "").split())


def _range(meta: Meta) -> str:
    low = meta.ge if meta.ge is not None else meta.min_length
    high = meta.le if meta.le is not None else meta.max_length
    unit = "" if meta.ge is not None or meta.le is not None else " long"
    if meta.pattern is not None:
        return f"`{meta.pattern.removesuffix(chr(92) + 'Z')}$`"
    if low == high:
        return f"{low}{unit}"
    return f"{low:,} to {high:,}{unit}" if low is not None else f"up to {high:,}{unit}"


def _type(hint: Any) -> str:
    named = [name for name in _NAMED if hint == getattr(frames, name)]
    if named:
        return named[0]
    if hint == frames.AnyEntry:
        return "entry"
    args = get_args(hint)
    match get_origin(hint):
        case origin if origin is Annotated:
            text = f"{_type(args[0])}, {_range(args[1])}"
        case origin if origin is Literal:
            text = " or ".join(f"`{value}`" for value in args)
        case origin if origin is dict:
            text = f"map of {_type(args[0])} to {_type(args[1])}"
        case origin if origin is list:
            text = f"list of {_type(args[0])}"
        case None:
            text = _WIRE.get(hint) or hint.__name__
        case _:
            text = " or ".join(_type(arg) for arg in args if arg is not UnsetType)
    return text


def _fields(kind: type[msgspec.Struct]) -> str:
    hints = typing.get_type_hints(kind, include_extras=True)
    cells = []
    for field in msgspec.structs.fields(kind):
        mark = "" if field.required else "?"
        text = f"`{field.encode_name}{mark}` {_type(hints[field.name])}"
        if not field.required and field.default is not msgspec.UNSET:
            text += f" (else `{msgspec.json.encode(field.default).decode()}`)"
        cells.append(text)
    return "<br>".join(cells)


def _tag(kind: Any) -> str:
    return f"`{kind.__struct_config__.tag}`"


def _frames(kinds: Iterable[Any]) -> str:
    rows = ((_tag(kind), _fields(kind), _flow(kind.__doc__)) for kind in kinds)
    return _table(("`type`", "fields besides `type`", "meaning"), rows)


def types() -> str:
    rows = []
    for name in _NAMED:
        base, meta = get_args(getattr(frames, name))
        unit = "characters" if base is str and meta.pattern is None else ""
        rows.append((name, _WIRE[base], f"{_range(meta).removesuffix(' long')} {unit}".strip()))
    return _table(("name", "on the wire", "range"), rows)


def parts() -> str:
    rows = ((kind.__name__, _fields(kind), _flow(kind.__doc__)) for kind in _PARTS)
    return _table(("name", "fields", "meaning"), rows)


def hub_frames() -> str:
    entries = get_args(frames.AnyEntry)
    return _frames(kind for kind in get_args(frames.AnyHubFrame) if kind not in entries)


def phases() -> str:
    docs = _attribute_docs(session, "Phase")
    rows = []
    for phase in Phase:
        legal = [_tag(kind) for kind in get_args(frames.AnyClientFrame) if kind in LEGAL[phase]]
        rows.append((f"`{phase.value}`", docs[phase.name], ", ".join(legal) or "none"))
    return _table(("phase", "meaning", "legal frames"), rows)


def error_codes() -> str:
    rows = (
        (str(place), f"`{code}`", f"`{RETRY[code]}`", MESSAGES[code])
        for place, code in enumerate(Code, 1)
    )
    return _table(("", "`code`", "`retry`", "`message`"), rows)


def retries() -> str:
    docs = _attribute_docs(errors, "Retry")
    return _table(("`retry`", "what to do"), ((f"`{each}`", docs[each.name]) for each in Retry))


def closes() -> str:
    docs = _attribute_docs(errors, "Close")
    rows = (
        (str(close.value), close.name.lower(), "yes" if close.reconnect else "no", docs[close.name])
        for close in Close
    )
    return _table(("code", "name", "reconnect", "meaning"), rows)


def limits() -> str:
    rows = [
        (name, f"{getattr(module, name):,}", doc)
        for module in (frame_limits, money)
        for name, doc in _attribute_docs(module).items()
        if name.endswith("_MAX")
    ]
    return _table(("name", "value", "meaning"), rows)


PARTS: dict[str, Callable[[], str]] = {
    "types": types,
    "parts": parts,
    "client-frames": lambda: _frames(get_args(frames.AnyClientFrame)),
    "hub-frames": hub_frames,
    "entries": lambda: _frames(get_args(frames.AnyEntry)),
    "phases": phases,
    "retries": retries,
    "errors": error_codes,
    "closes": closes,
    "limits": limits,
}
"""What fills each `<!-- generated: name -->` of the page."""


def refreshed(page: str) -> str:
    """The page with its generated parts as the code has them now."""
    return _PART.sub(lambda part: part[1] + PARTS[part[2]]() + part[3], page)


def write() -> None:
    """Refresh the page in place."""
    DOC.write_text(refreshed(DOC.read_text(encoding="utf-8")), encoding="utf-8")
