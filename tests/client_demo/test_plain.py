"""The line mode, through pipes, as a script would use it."""

import asyncio
import contextlib
import sys

import pytest

from .people import online

PASSWORD = "a password for pipes"
CODE = """
import sys
from client_demo.cli import run_chat
sys.exit(run_chat(sys.argv[1], sys.argv[2], plain=True))
"""


@pytest.fixture
def plain(hub, tmp_path):
    """Starts `teller chat --plain` for a name; gives the process."""

    @contextlib.asynccontextmanager
    async def start(name, password=PASSWORD, hub=hub):
        given = {"TELLER_PASSWORD": password} if password else {}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", CODE, name, hub.url),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=given | {"XDG_DATA_HOME": str(tmp_path), "PYTHONUTF8": "1"},
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    return start


async def run(process, *lines):
    """Feed lines and the end of input; returns exit code and the lines that came out."""
    text = "".join(f"{line}\n" for line in lines)
    async with asyncio.timeout(30):
        out, err = await process.communicate(text.encode())
    return process.returncode, out.decode().splitlines(), err.decode()


async def line_from(stream, start):
    """Wait for a line that begins with `start`."""
    async with asyncio.timeout(30):
        while line := (await stream.readline()).decode():
            if line.startswith(start):
                return line.rstrip("\n")
    raise AssertionError(f"the output ended without {start!r}")


async def test_a_script_chats_and_pays(hub, plain):
    async with online(hub, "@bob") as bob, plain("alice") as process:
        code, out, err = await run(
            process, "@bob hello\tthere", "", "/pay @bob 5.00 coffee", "/balance"
        )
        await bob.sees("@alice", "hello\tthere")
        await bob.sees("@alice", "coffee")
    assert (code, err) == (0, "connected as @alice\n")
    kinds = [line.split()[:2] for line in out]
    assert kinds == [["stored", "message"], ["stored", "payment"], ["balance", "95.00"]]
    _, _, id, box, seq = out[1].split()
    assert len(id) == 26
    assert box == "@alice"
    assert int(seq) == int(out[0].split()[4]) + 1


async def test_what_others_send_is_one_line_each(hub, plain):
    async with online(hub, "@bob") as bob, plain("alice") as process:
        await line_from(process.stderr, "connected")
        await bob.say("@alice", "two\nlines \x1b[31m")
        bob.pay("@alice", 250, text="your change")
        line = await line_from(process.stdout, "message")
        assert line.split(" ", 3)[3] == "@bob @alice two␊lines ␛[31m"
        line = await line_from(process.stdout, "payment")
        assert line.split(" ", 3)[3] == "@bob @alice 2.50 USD settled your change"
        code, out, _ = await run(process, "/balance")
    assert (code, out) == (0, ["balance 102.50 USD"])


async def test_how_a_payment_to_another_partition_ends(make_hub, plain):
    hub = await make_hub(data="parts", partitions=16)
    async with online(hub, "@bob") as bob, plain("alice", hub=hub) as process:
        await line_from(process.stderr, "connected")
        process.stdin.write(b"/pay @bob 5.00 coffee\n")
        words = (await line_from(process.stdout, "stored")).split()
        id, seq = words[2], int(words[4])
        assert words == ["stored", "payment", id, "@alice", str(seq), "accepted"]
        line = await line_from(process.stdout, "settled")
        assert line == f"settled @alice {seq + 1} @alice @bob {id} 5.00 USD"
        await bob.has(10_500)
        operator = await hub.operator()
        await operator.ask("freeze", who="@bob", frozen=True)
        process.stdin.write(b"/pay @bob 1.00\n")
        id = (await line_from(process.stdout, "stored")).split()[2]
        line = await line_from(process.stdout, "returned")
        assert line == f"returned @alice {seq + 3} @alice @bob {id} party_frozen 1.00 USD"
        code, out, _ = await run(process, "/balance")
    assert (code, out) == (1, ["balance 95.00 USD"])


async def test_rooms_in_lines(plain):
    async with plain("alice") as process:
        code, out, _ = await run(process, "/create #tea", "#tea hello", "/members #tea")
    assert code == 0
    assert [line.split()[:2] for line in out][:2] == [["stored", "create"], ["stored", "message"]]
    assert out[-1] == "member #tea @alice owner"


async def test_a_refusal_makes_the_exit_code_1(plain):
    async with plain("alice") as process:
        code, out, _ = await run(process, "/pay @nobody_here 1.00", "/balance", "what?")
    assert code == 1
    assert out[0].split()[:2] == ["refused", "payment"]
    assert out[0].split()[3] == "unknown_account"
    assert out[1] == "balance 100.00 USD"
    assert out[2].startswith("refused line - invalid ")


async def test_the_token_is_kept_and_replaced_when_it_is_not_valid(plain, tmp_path):
    async with plain("alice") as process:
        assert (await run(process))[0] == 0
    (path,) = (path for path in tmp_path.rglob("alice") if path.is_file())
    async with plain("alice", password=None) as process:
        code, out, err = await run(process, "/balance")
        assert (code, out) == (0, ["balance 100.00 USD"])
        assert err.startswith(f"logged in with the kept token of @alice: {path}\n")
    path.write_text("not a token\n")
    async with plain("alice", password=None) as process:
        code, out, err = await run(process, "/balance")
        assert (code, out) == (2, [])
        assert "the kept token of @alice is no longer valid, and deleted" in err
    assert not path.exists()


async def test_a_password_that_is_given_counts_more_than_a_kept_token(plain, tmp_path):
    async with plain("alice") as process:
        assert (await run(process))[0] == 0
    (path,) = (path for path in tmp_path.rglob("alice") if path.is_file())
    token = path.read_text()
    async with plain("alice", password="not her password") as process:
        assert (await run(process, "/balance"))[:2] == (2, [])
    assert path.read_text() == token
    async with plain("alice") as process:
        assert (await run(process))[0] == 0
    assert path.read_text() != token


async def test_logout_ends_it_and_forgets_the_token(plain, tmp_path):
    async with plain("alice") as process:
        code, out, err = await run(process, "/logout", "/balance")
    assert (code, out) == (0, [])
    assert err.endswith("logged out; the kept token of @alice is deleted\n")
    assert not [path for path in tmp_path.rglob("alice") if path.is_file()]


async def test_help_and_hints_are_about_lines(plain):
    async with plain("alice") as process:
        code, out, err = await run(process, "/help", "/open @bob", "/close")
    assert code == 1
    assert "#room TEXT" in err
    assert "Tab" not in err
    assert ["@bob TEXT" in line for line in out] == [True, True]


async def test_a_reader_that_goes_away_ends_it_quietly(plain):
    async with plain("alice") as process:
        await line_from(process.stderr, "connected")
        process._transport.get_pipe_transport(1).close()
        process.stdin.write(b"/balance\n")
        await process.stdin.drain()
        async with asyncio.timeout(30):
            assert await process.wait() == 1
        assert await process.stderr.read() == b""


async def test_a_wrong_password_is_no_way_in(hub, plain):
    async with online(hub, "@alice"):
        pass
    async with plain("alice", password="not her password") as process:
        code, out, err = await run(process, "@bob hi")
    assert (code, out) == (2, [])
    assert "handle or password is wrong" in err


async def test_a_killed_connection_heals_in_the_middle_of_a_script(hub, plain):
    async with online(hub, "@bob") as bob, plain("alice") as process:
        await line_from(process.stderr, "connected")
        for number in range(10):
            process.stdin.write(f"/pay @bob 0.10 {number}\n".encode())
            await process.stdin.drain()
            if number % 3 == 0:
                hub.kill_connections()
        code, out, err = await run(process, "/balance")
        await bob.has(10_100)
    assert code == 0
    assert out[-1] == "balance 99.00 USD"
    assert "resumed as @alice" in err
    stored = [line.split()[2] for line in out if line.startswith("stored payment")]
    assert len(stored) == len(set(stored)) == 10
