"""The command line against a running hub: deposits, freezes, the audit, settings."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from server.config import Settings, SettingsError
from tests.support import PATIENCE_S, Hub

TELLER = Path(sys.executable).with_name("teller")


async def teller(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Run the command; exit code, output, complaints."""
    process = await asyncio.create_subprocess_exec(
        TELLER,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    async with asyncio.timeout(3 * PATIENCE_S):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_a_deposit_is_seen_at_once_and_happens_once(hub: Hub) -> None:
    alice = await hub.register("alice")
    where = ("--url", hub.url, "--data", str(hub.data))
    code, out, _ = await teller("admin", "deposit", "@alice", "25.00", "USD", "--id", "d1", *where)
    seen = await alice.receive()
    assert code == 0
    assert out.startswith("25.00 USD is in @alice")
    assert (seen["type"], seen["from"], seen["amount"]) == ("deposit", "$world", 2_500)
    assert seen["balance"] == {"available": 12_500, "held": 0, "version": 2}
    code, out, _ = await teller("admin", "deposit", "@alice", "25.00", "USD", "--id", "d1", *where)
    assert (code, "it had happened before" in out) == (0, True)
    sheet = await alice.ask("balance")
    assert sheet["balances"]["USD"]["available"] == 12_500


@pytest.mark.parametrize(
    ("account", "amount", "currency", "complaint"),
    [
        ("@nobody", "1.00", "USD", "unknown_account"),
        ("alice", "1.00", "USD", "not a person"),
        ("@alice", "1.005", "USD", "decimals"),
        ("@alice", "-1", "USD", "amount"),
        ("@alice", "1", "ABC", "ISO 4217"),
    ],
)
async def test_a_deposit_that_makes_no_sense(
    hub: Hub, account: str, amount: str, currency: str, complaint: str
) -> None:
    where = ("--url", hub.url, "--data", str(hub.data))
    arguments = ("--", account, amount, currency)
    code, out, err = await teller("admin", "deposit", *where, *arguments)
    assert (code, out) == (1, "")
    assert complaint in err


async def test_a_frozen_account_neither_pays_nor_is_paid(hub: Hub) -> None:
    alice, bob = await hub.register("alice"), await hub.register("bob")
    where = ("--url", hub.url, "--data", str(hub.data))
    assert (await teller("admin", "freeze", "@alice", *where))[0] == 0
    out = await alice.ask("payment", to="@bob", amount=1, currency="USD")
    back = await bob.ask("payment", to="@alice", amount=1, currency="USD")
    assert (out["code"], back["code"]) == ("account_frozen", "party_frozen")
    assert (await alice.ask("message", to="@bob", text="help"))["type"] == "ack"
    assert (await teller("admin", "freeze", "@alice", "--lift", *where))[0] == 0
    assert (await alice.ask("payment", to="@bob", amount=1, currency="USD"))["type"] == "ack"


async def test_the_audit_runs_beside_the_hub_and_alone(hub: Hub) -> None:
    alice, _ = await hub.register("alice"), await hub.register("bob")
    await alice.ask("payment", to="@bob", amount=123, currency="USD")
    code, out, _ = await teller("admin", "audit", "--data", str(hub.data))
    assert code == 0
    assert "in circulation: 200.00 USD" in out
    assert out.endswith("The books balance.\n")
    record = await hub.store("GET", "{p0}a:@alice")
    wrong = record.replace((9_877).to_bytes(8), (9_999_999).to_bytes(8))
    await hub.store("SET", "{p0}a:@alice", wrong)
    code, out, _ = await teller("admin", "audit", "--data", str(hub.data))
    assert code == 1
    assert "WRONG" in out
    await hub.store("SET", "{p0}a:@alice", record)
    await hub.app.stop()
    code, out, _ = await teller("admin", "audit", TELLER_DATA=str(hub.data))
    assert (code, out.endswith("The books balance.\n")) == (0, True)


async def test_people_are_not_operators(hub: Hub) -> None:
    alice = await hub.register("alice")
    refused = await alice.ask("deposit", to="@alice", amount=1, currency="USD")
    frozen = await alice.ask("freeze", who="@alice")
    assert (refused["code"], frozen["code"]) == ("forbidden", "forbidden")
    operator = await hub.operator()
    assert (await operator.ask("message", to="@alice", text="hi"))["code"] == "forbidden"
    assert (await operator.ask("balance"))["code"] == "forbidden"


async def test_settings_come_from_file_environment_and_flags(tmp_path: Path) -> None:
    file = tmp_path / "teller.toml"
    file.write_text('durability = "nonsense"\n')
    code, _, err = await teller("serve", "--config", str(file))
    assert (code, "nonsense" in err) == (2, True)
    file.write_text("workers = 1\n")
    code, _, err = await teller("serve", "--config", str(file), TELLER_WORKERS="0")
    assert (code, "--workers" in err) == (2, True)
    code, _, err = await teller("serve", "--config", str(tmp_path / "none.toml"))
    assert code != 0
    code, _, err = await teller("serve", "--port", "seven")
    assert (code, "seven" in err) == (2, True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"workers": 0},
        {"tls_cert": Path("cert.pem")},
        {"idle_timeout_s": 5},
        {"frame_bytes_max": 0},
        {"posts_per_s": 0},
        {"ping_interval_s": -1},
        {"argon2_memory_kib": 1},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong)).replace("_", "-")[:8]):
        Settings(**wrong)  # type: ignore[arg-type]
