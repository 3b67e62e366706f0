"""The generated tables of docs/operations.md: settings, fixed limits, metrics.

Everything is read from the code: defaults from the classes, meanings from the strings below them.
"""

import ast
import inspect
import re
from collections.abc import Iterable
from dataclasses import MISSING, fields
from itertools import pairwise
from pathlib import Path
from types import ModuleType

from prometheus_client.parser import text_string_to_metric_families

from server import config, peer
from server.commit import durability, pipeline
from server.config import Settings
from server.courier import courier
from server.edge import aside, transport
from server.entering import passwords, snapshot, throttle, turnstile
from server.ledger import lanes
from server.people import contacts, devices
from server.presence import presence
from server.regions import directory, homes, link
from server.store import connection
from server.telling import catchup, hearing, hubs

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
_PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

_FIXED: list[tuple[ModuleType, str]] = [
    (pipeline, "POSTS_PER_CALL"),
    (pipeline, "POSTS_WORTH_A_CALL"),
    (pipeline, "COMMIT_DELAY_S"),
    (pipeline, "CALLS_IN_FLIGHT"),
    (pipeline, "POSTS_MAX"),
    (pipeline, "BYTES_MAX"),
    (pipeline, "RETRY_MAX_S"),
    (durability, "WAIT_MS"),
    (contacts, "ANSWER_S"),
    (contacts, "PARKED_MAX"),
    (lanes, "LEG_WINDOW"),
    (courier, "OVERDUE_S"),
    (catchup, "ROUND_S"),
    (hubs, "SILENCE_S"),
    (hubs, "WELCOME_S"),
    (snapshot, "GAP_MAX"),
    (snapshot, "GAP_MAX_TOTAL"),
    (passwords, "WAITING_MAX"),
    (throttle, "FREE_TRIES"),
    (throttle, "FREE_TRIES_ADDRESS"),
    (throttle, "WAIT_S_MAX"),
    (turnstile, "SYNCS_MAX"),
    (turnstile, "SYNCS_WAITING_MAX"),
    (aside, "SLICE_S"),
    (aside, "RESTS"),
    (devices, "DEVICES_MAX"),
    (devices, "UNUSED_MS_MAX"),
    (presence, "STEP_NOTICES"),
    (presence, "TYPING_EVERY_S"),
    (peer, "NONSENSE_MAX"),
    (peer, "SHED_SHARE"),
    (hearing, "AUDIENCE_MAX"),
    (transport, "CLOSE_TIMEOUT_S"),
    (connection, "REPLY_TIMEOUT_S"),
    (link, "ANSWER_TIMEOUT_S"),
    (homes, "FIND_S"),
    (homes, "HELD_MAX"),
    (directory, "KNOWN_MAX"),
]


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _docs(body: list[ast.stmt]) -> dict[str, str]:
    """The strings that stand below assignments."""
    docs = {}
    for node, after in pairwise(body):
        if not isinstance(after, ast.Expr) or not isinstance(after.value, ast.Constant):
            continue
        target = node.target if isinstance(node, ast.AnnAssign) else None
        if isinstance(node, ast.Assign):
            target = node.targets[0]
        if isinstance(target, ast.Name):
            docs[target.id] = " ".join(str(after.value.value).split())
    return docs


def _default(value: object) -> str:
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    if value is None or value == []:
        return "none"
    return f"`{value}`"


def settings() -> str:
    """Every setting: its flag, its default, its meaning with its unit."""
    tree = ast.parse(inspect.getsource(config))
    whole = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Settings")
    docs = _docs(whole.body)
    rows = []
    for one in fields(Settings):
        default = one.default if one.default is not MISSING else []
        rows.append((f"`{one.name}`", _default(default), docs[one.name]))
    return _table(("name", "default", "meaning"), rows)


def fixed() -> str:
    """Limits that are named numbers in the code."""
    rows = []
    for module, name in _FIXED:
        meaning = _docs(ast.parse(inspect.getsource(module)).body)[name]
        where = module.__name__.replace(".", "/")
        rows.append((f"`{where}.py` `{name}`", f"{getattr(module, name):,}", meaning))
    return _table(("where", "value", "meaning"), rows)


def metrics(exposition: str) -> str:
    """The hub's own metrics in what `/metrics` answered: name, kind, meaning."""
    families = text_string_to_metric_families(exposition)
    rows = [
        (f"`{one.name}{'_total' if one.type == 'counter' else ''}`", one.type, one.documentation)
        for one in families
        if one.name.startswith("teller_")
    ]
    return _table(("name", "kind", "meaning"), rows)


def refreshed(page: str, exposition: str) -> str:
    """The page with its generated parts as the code, and a hub's `/metrics`, have them now."""
    parts = {"settings": settings(), "fixed": fixed(), "metrics": metrics(exposition)}
    return _PART.sub(lambda part: part[1] + parts[part[2]] + part[3], page)
