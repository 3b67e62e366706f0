"""What docs/operations.md says is never logged is not, even where a mistake is."""

import subprocess
import sys

import pytest

from server.app import App
from server.config import Settings
from server.serve import greeting

MISTAKE = """
import sys, structlog
from server.logs import configure_logs

def mistake(password):
    raise RuntimeError("a mistake")

configure_logs(sys.argv[1])
try:
    mistake("correct" + " horse")
except RuntimeError:
    structlog.get_logger("hub").exception("a handler failed")
"""


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_traceback_shows_no_values(form: str) -> None:
    command = [sys.executable, "-c", MISTAKE, form]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "RuntimeError" in done.stderr
    assert "a handler failed" in done.stderr
    assert "correct horse" not in done.stderr


def test_the_greeting_shows_no_password() -> None:
    app = App(Settings(store="redis://teller:secret@127.0.0.1:6379/0"))
    assert "127.0.0.1:6379" in greeting(app)
    assert "secret" not in greeting(app)
