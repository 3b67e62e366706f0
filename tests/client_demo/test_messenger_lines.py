"""Every feature of the messenger in the line mode, as a script would use it."""

import asyncio
import contextlib
import io
import json
import re

import pytest

from client_demo import events
from client_demo.client import Client
from client_demo.model import Connection
from client_demo.plain import Plain
from tests.support import until

from .people import online, password, soon, token_of


@pytest.fixture
async def hub(make_hub):
    """A hub where strangers must be accepted."""
    return await make_hub(strangers="ask")


class Script:
    """A running line mode: write a line, read what it says."""

    def __init__(self, client):
        self.client = client
        self.out, self.err = io.StringIO(), io.StringIO()
        self._lines = asyncio.Queue()
        self._plain = Plain(client, self.out, self.err)

    async def feed(self):
        while (line := await self._lines.get()) is not None:
            yield line

    async def run(self):
        return await self._plain.run(self.feed())

    def end(self):
        self._lines.put_nowait(None)

    async def do(self, line, pattern):
        """Write `line`; wait until what comes has a line that begins with `pattern`."""
        start = len(self.out.getvalue())
        self._lines.put_nowait(line)
        return await self.says(pattern, start)

    async def says(self, pattern, start=0):
        found = None

        def look():
            nonlocal found
            found = re.search(f"^{pattern}.*$", self.out.getvalue()[start:], re.MULTILINE)
            return found

        try:
            await until(look, patience_s=15)
        except TimeoutError:
            said = self.out.getvalue()[start:] + self.err.getvalue()
            raise AssertionError(f"no {pattern!r} in\n{said}") from None
        return found[0]


@contextlib.asynccontextmanager
async def script(hub, name="@alice"):
    """The line mode of `name`; at the end its exit code must be the one in `code`."""
    client = Client(hub.url, name, await token_of(hub.url, name), backoff=soon())
    running = Script(client)
    task = asyncio.create_task(running.run())
    try:  # what came before it is in the history and not told
        await client.until(lambda: client.model.connection is Connection.CONNECTED)
        yield running
    finally:
        running.end()
        async with asyncio.timeout(15):
            running.code = await task


@contextlib.asynccontextmanager
async def friends(hub):
    """The line mode of alice, and bob; they know each other."""
    async with online(hub, "@bob") as bob, script(hub) as alice:
        await alice.do("@bob hello", "stored message")
        await bob.sees("@alice", "hello")
        await bob.say("@alice", "hello alice")
        await alice.says("message @alice 3 @bob @alice hello alice")
        yield bob, alice


async def test_requests_and_blocks(hub):
    async with online(hub, "@mallory") as mallory, script(hub) as alice:
        await mallory.say("@alice", "may I?")
        mallory.pay("@alice", 500, text="a gift")
        await alice.says("payment @alice 3 @mallory @alice 5.00 USD waiting a gift")
        wanted = "conversation @mallory request unread=2 waiting=5.00USD"
        assert await alice.do("/conversations", "conversation @mallory") == wanted
        await alice.do("/accept @mallory", "stored accept")
        await alice.says("settled @alice")
        await alice.do("/balance", "balance 105.00 USD")
        await alice.do("/block @mallory", "stored block")
        await alice.do("@mallory hi", "refused message [^ ]+ blocked")
        await alice.do("/unblock @mallory", "stored unblock")
    assert alice.code == 1


async def test_lines_about_lines(hub):
    async with friends(hub) as (bob, alice):
        await alice.do("/react @bob ^3 :heart:", "stored react")
        await alice.do("/reply @bob ^3 and how are you?", "stored message")
        await alice.do("/edit @bob and how do you do?", "stored edit")
        await alice.do("/pin @bob ^3", "stored pin")
        await alice.do("/pins @bob", "pinned message @alice 3 @bob @alice hello alice")
        await alice.do("/thread @bob ^3 in a thread", "stored message")
        found = await alice.do("/thread @bob ^3", "message .* thread=@bob:")
        assert found.endswith("in a thread")
        await alice.do("/forward @alice @bob ^3", "stored forward")
        await alice.do("/vanish @bob 1s soon gone", "stored message")
        await alice.do("/delete @bob ^2", "stored delete")
        gone = await alice.do("/history @bob", "message @alice 2 @alice @bob gone=deleted")
        assert "hello" not in gone
        await bob.client.until(lambda: bob.lines("@alice")[0].gone == "deleted")
        await bob.do(type="react", to="@alice", ref={"from": "@bob", "id": "x"}, emoji="❤")
        await alice.do("/delete @bob ^99", "refused line - invalid there is no such line")
        await alice.do("/react @bob ^3 heart off", "stored react")
        alice.client.notice({"type": "typing", "to": "@bob"})
        bob.client.notice({"type": "typing", "to": "@alice"})
        await alice.says("typing @bob @alice")
    assert alice.code == 1


async def test_rooms(hub):
    async with friends(hub) as (bob, alice):
        await alice.do("/create #tea private Tea", "stored create")
        await alice.do("/invite #tea @bob", "stored invite")
        await bob.do(type="join", room="#tea")
        await alice.says("join #tea [0-9]+ @bob #tea")
        await alice.do("/role #tea @bob admin", "stored role")
        await alice.do("/members #tea", "member #tea @bob admin")
        code = (await alice.do("/link #tea 3 2h", "link #tea ")).split()[2]
        await alice.do(f"/unlink #tea {code}", "stored invite")
        await alice.do("/topic #tea all about tea", "stored topic")
        await alice.do("/access #tea ask", "stored topic")
        await alice.do("/slow #tea 10s", "stored topic")
        await bob.do(type="create", room="#den", access="ask")
        assert (await alice.do("/join #den", "stored join")).endswith(" asks")
        profile = await alice.do("/profile #tea", "profile #tea")
        assert profile == "profile #tea access=ask members=2 slow_s=10 Tea all about tea"
        await alice.do("/role #tea @bob member", "stored role")
        await alice.do("/mute #tea @bob 10m", "stored mute")
        await alice.do("/members #tea @alice", "member #tea @bob member muted=")
        await alice.do("/kick #tea @bob", "stored kick")
        await alice.do("/leave #tea", "stored leave")
    assert alice.code == 0


async def test_search_history_and_more(hub):
    async with friends(hub) as (_, alice):
        for number in range(25):
            await alice.do(f"@bob violin {number}", "stored message")
        await alice.do("/search violin in:@bob", "found @alice [0-9]+ @alice violin 24")
        await alice.says("more")
        await alice.do("/more", "found @alice [0-9]+ @alice violin 0")
        await alice.do("/more", "refused line - invalid there is no more")
        await alice.do("/history @bob ^3", "message @alice 2 @alice @bob hello")
    assert alice.code == 1


async def test_oneself(hub, tmp_path):
    async with friends(hub) as (_, alice):
        await alice.do("/name Alice A.", "stored profile")
        await alice.do("/about out for tea", "stored profile")
        await alice.do("/seen off", "stored profile")
        assert await alice.do("/profile @alice", "profile @alice") == (
            "profile @alice Alice A. out for tea"
        )
        await alice.do("/quiet @bob", "stored arrange")
        await alice.do("/conversations", "conversation @bob accepted unread=[0-9]+ muted")
        device = (await alice.do("/devices", "device ")).split()
        assert device[4] == "current"
        await alice.do("/revoke", "stored revoke")
        await alice.do(f"/export {tmp_path}", f"written {tmp_path}/teller-alice.html")
        everything = json.loads((tmp_path / "teller-alice.json").read_text())
        assert everything["profile"]["name"] == "Alice A."
        await alice.do("/pay @bob 100.00", "stored payment")
        wanted = "refused line - invalid to close the account for ever, write: /erase @alice"
        await alice.do("/erase", wanted)
        await alice.do(f"/erase {password('@alice')}", "refused line - invalid")
        await alice.do("/open @bob", "refused line - invalid /open is for the screen")
    assert alice.code == 1


async def test_an_account_is_erased_by_who_names_it(make_hub, monkeypatch):
    monkeypatch.setattr("tests.client_demo.people.password", lambda name: f"{name}-password")
    async with friends(await make_hub(strangers="ask")) as (bob, alice):
        await alice.do("/pay @bob 100.00", "stored payment")
        await alice.do("/erase @bob @alice-password", "refused line - invalid")
        await alice.do("/erase @alice wrong-password", "refused erase [^ ]+ login_failed")
        await alice.do("/erase @alice @alice-password", "stored erase")
        await bob.do(type="message", to="@alice", text="still there?")
        assert bob.had(events.Refused)[-1].code == "account_closed"
    assert alice.client.model.logged_out
