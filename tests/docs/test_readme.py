"""The example of the README does what it says, against a real hub, once and again."""

import ast
import asyncio
import sys
from pathlib import Path
from typing import Any

from tests.support import Hub

from .pages import blocks


async def _run(script: Path) -> list[Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return [ast.literal_eval(line) for line in out.decode().splitlines()]


async def test_the_example_pays_once_however_often_it_runs(tmp_path: Path) -> None:
    hub = await Hub.start(tmp_path / "data", strangers="ask")
    try:
        (code,) = blocks("README.md", "python")
        assert "ws://127.0.0.1:8765/ws" in code
        script = tmp_path / "example.py"
        script.write_text(code.replace("ws://127.0.0.1:8765/ws", hub.url))
        message, accepted, payment, balance = await _run(script)
        assert [one["type"] for one in (message, accepted, payment)] == ["ack"] * 3
        assert payment["state"] == "settled"
        assert payment["balance"]["available"] == 9_500
        assert balance["balances"]["USD"] == {"available": 10_500, "held": 0}
        again = {"replayed": True}
        assert await _run(script) == [message | again, accepted | again, payment | again, balance]
    finally:
        await hub.stop()
