"""docs/operations.md: its tables are the code's, and its files and scripts work."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from server.app import operator_token_in
from server.store.binary import find_binary
from tests.support import Hub

from .pages import blocks
from .tables import PAGE, refreshed

NAME = "docs/operations.md"
TELLER = Path(sys.executable).with_name("teller")


async def _run(*command: str | Path) -> str:
    """Output of a command that must succeed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


async def test_generated_tables_are_fresh(hub: Hub) -> None:
    client = await hub.register("ann")
    await client.ask("message", to="@nobody", text="hi")  # a refusal, so that every metric shows
    exposition = hub.app.site.answer("/metrics")[2]
    page = PAGE.read_text(encoding="utf-8")
    assert refreshed(page, exposition) == page, "refresh them with: python -m tests.docs"
    of_several = {"teller_worker_up", "teller_worker_restarts_total"}  # see tests/workers
    of_regions = set(re.findall(r"teller_(?:region|tunnels|directory|rooms_copied)[a-z_]*", page))
    of_several |= of_regions  # see tests/server/regions
    metrics = set(re.findall(r"teller_[a-z_]+", page)) - {"teller_post"} - of_several
    assert metrics <= set(re.findall(r"teller_[a-z_]+", exposition))


async def test_the_configuration_file_starts_a_hub(tmp_path: Path) -> None:
    (file,) = blocks(NAME, "toml")
    config = tmp_path / "teller.toml"
    config.write_text(file.replace("/var/lib/teller", str(tmp_path / "data")))
    command = [TELLER, "serve", "--config", config, "--host", "127.0.0.1"]
    environment = {"TELLER_PORT": "0", "TELLER_ORIGIN": "https://a.example https://b.example"}
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    greeting = (await process.stdout.readuntil(b"Ctrl-C")).decode()
    process.send_signal(signal.SIGTERM)
    rest, _ = await process.communicate()
    assert process.returncode == 0
    assert str(tmp_path / "data") in greeting  # the file
    assert "8765" not in greeting  # the variable wins over it
    assert b"Stopped." in rest


async def test_backup_while_running_and_restore_with_a_new_epoch(
    make_hub: Callable[..., Awaitable[Hub]], tmp_path: Path
) -> None:
    first = await make_hub("first")
    ann = await first.register("ann")
    await first.register("ben")
    await ann.ask("payment", to="@ben", amount=500, currency="USD")
    copy = tmp_path / "copy"
    await _run(TELLER, "admin", "backup", copy, "--data", first.data)
    assert redis.Redis(unix_socket_path=str(first.data / "store.sock")).config_get(
        "auto-aof-rewrite-percentage"
    ) == {"auto-aof-rewrite-percentage": "100"}
    lost = await ann.ask("payment", to="@ben", amount=100, currency="USD")
    epoch = ann.welcome["boxes"]["@ann"]["epoch"]
    await _run(TELLER, "admin", "backup-keys", tmp_path / "keys.db", "--data", first.data)
    await _run(TELLER, "admin", "restored", "--data", copy)
    await _run(TELLER, "admin", "restore-keys", tmp_path / "keys.db", "--data", copy)
    assert "The books balance." in await _run(TELLER, "admin", "audit", "--data", copy)
    second = await make_hub("copy")
    again = await second.hello(ann.welcome["token"], {"@ann": lost["seq"]})
    box = again.welcome["boxes"]["@ann"]
    assert (box["epoch"] > epoch, box["seq"]) == (True, lost["seq"] - 1)
    assert again.welcome["balances"]["USD"]["available"] == 9_500


async def test_the_operators_token_can_be_replaced(
    make_hub: Callable[..., Awaitable[Hub]],
) -> None:
    hub = await make_hub()
    old = operator_token_in(hub.data)
    block = next(one for one in blocks(NAME, "sh") if "operator.token" in one)
    script = block.replace("data/", f"{hub.data}/")
    await _run("sh", "-ec", script)
    await hub.stop()
    hub = await make_hub()
    assert operator_token_in(hub.data) != old
    assert (await hub.operator()).welcome["type"] == "welcome"
    assert (await hub.hello(old, {})).welcome["code"] == "token_invalid"


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[str]:
    """URL of a store of the operator's, whose only user has the rights that the page lists."""
    rights = next(one for one in blocks(NAME, "") if one.startswith("user teller"))
    users = tmp_path / "users.acl"
    users.write_text(f"user default off\n{rights}")
    socket = tmp_path / "own.sock"
    settings = ["--port", "0", "--unixsocket", socket, "--dir", tmp_path, "--aclfile", users]
    settings += ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    url = f"unix://teller:secret@{socket}"
    with subprocess.Popen([find_binary(), *settings], stdout=subprocess.DEVNULL) as server:
        try:
            retry = Retry(ConstantBackoff(0.05), 200)  # only until it answers
            redis.Redis.from_url(url, retry=retry, retry_on_error=[OSError]).ping()
            yield url
        finally:
            server.terminate()


async def test_the_rights_of_the_store_user_are_enough_and_no_more(
    make_hub: Callable[..., Awaitable[Hub]], own_store: str
) -> None:
    hub = await make_hub(store=own_store)
    await _use(hub)
    cat, dan = await hub.register("cat"), await (await make_hub(store=own_store)).register("dan")
    await cat.ask("message", id="there", to="@dan", text="hi")
    assert (await dan.until(lambda frame: frame.get("id") == "there"))["from"] == "@cat"
    assert "The books balance." in await _run(TELLER, "admin", "audit", "--store", own_store)
    assert "FAIL" not in await _run(TELLER, "doctor", "--store", own_store)
    store = redis.Redis.from_url(own_store)
    for wrong in (["FLUSHALL"], ["KEYS", "*"], ["CONFIG", "SET", "appendonly", "no"]):
        with pytest.raises(redis.exceptions.NoPermissionError):
            store.execute_command(*wrong)


async def _use(hub: Hub) -> None:
    """One of everything that reaches the store."""
    ann, ben = await hub.register("ann"), await hub.register("ben")
    operator = await hub.operator()
    again = await hub.login("ann")
    answers = [
        await ann.ask("create", room="#tea"),
        await ben.ask("join", room="#tea"),
        await ann.ask("message", id="m", to="#tea", text="hi"),
        await ann.ask("payment", to="@ben", amount=500, currency="USD", room="#tea"),
        await operator.ask("deposit", to="@ben", amount=5, currency="USD"),
        await operator.ask("freeze", who="@ben"),
        await ann.ask("members", room="#tea"),
        await ann.ask("history", box="#tea"),
        await ann.ask("balance"),
        await ann.ask("status", of="m"),
        await ben.ask("leave", room="#tea"),
        await again.ask("logout"),
    ]
    assert [answer for answer in answers if answer["type"] == "error"] == []
