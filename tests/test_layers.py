"""Who may know whom, seen at run time: a static graph cannot see deferred imports.

The contracts with their reasons stand in pyproject.toml; the linter checks them statically.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

CASES = [
    ("protocol.codec, protocol.session", {"server", "client_demo", "bench", "websockets", "redis"}),
    ("protocol.codec, protocol.money", {"asyncio", "msgpack", "orjson"}),
    ("client_demo.link, client_demo.app", {"server", "bench", "msgspec"}),
    ("client_demo.plain, client_demo.demo", {"server", "bench", "msgspec"}),
    ("server.handlers", {"redis", "client_demo", "bench", "websockets"}),
    ("server.ledger.library, server.ledger.posts", {"redis", "hiredis", "websockets"}),
    ("server.app", {"client_demo", "bench", "textual", "rich.progress"}),
    ("server.cli", {"client_demo", "bench", "textual", "uvloop"}),
]


@pytest.mark.parametrize(("modules", "strangers"), CASES, ids=[case[0] for case in CASES])
def test_imports_bring_no_strangers(modules: str, strangers: set[str]) -> None:
    code = f"import sys; import {modules}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert not strangers & set(done.stdout.split())
