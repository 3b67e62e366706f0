"""Tokens and passwords that are not quite right."""

from __future__ import annotations

from server.app import operator_token_in
from tests.support import PASSWORD, Hub

from .conftest import Scene
from .untouched import untouched


async def test_tokens_that_are_not_quite_right(scene: Scene) -> None:
    name, _, secret = scene.token.partition(".")
    operators = operator_token_in(scene.hub.data).partition(".")[2]
    tokens = [
        *(f"@bob.{secret}", f"$world.{secret}", f"@alice.{operators}", f"@bob.{operators}"),
        *(secret, f".{secret}", f"{name}.", name, f"{name}..{secret}", f"alice.{secret}"),
        *(scene.token[:-1], scene.token + "A", scene.token.swapcase(), f" {scene.token}"),
        *(scene.token + "\x00", f"{name}.*", "{p0}t:@alice", f"@nobody.{secret}"),
    ]
    stranger = await scene.hub.connect()
    async with untouched(scene.hub, scene.bob):
        for token in tokens:
            answer = await stranger.ask("hello", token=token)
            assert answer["code"] == "token_invalid", token
    assert (await stranger.ask("hello", token=scene.token))["handle"] == "alice"


async def test_a_token_ends_with_its_logout(scene: Scene) -> None:
    other = await scene.hub.login("alice")
    await scene.alice.ask("logout")
    stranger = await scene.hub.connect()
    assert (await stranger.ask("hello", token=scene.token))["code"] == "token_invalid"
    assert (await stranger.ask("hello", token=other.welcome["token"]))["type"] == "welcome"


async def test_passwords_that_are_wrong_and_accounts_that_are_not_look_the_same(hub: Hub) -> None:
    bob = await hub.register("bob")
    stranger = await hub.connect()
    async with untouched(hub, bob):
        answers = [
            await stranger.ask("login", id="x", handle=handle, password=password)
            for handle, password in (("bob", PASSWORD + " "), ("bob", ""), ("nobody", PASSWORD))
        ]
        assert all(answer == answers[0] for answer in answers)
        assert answers[0]["code"] == "login_failed"
        taken = await stranger.ask("register", handle="bob", password="another one")
        assert taken["code"] == "name_taken"


async def test_guessing_a_password_is_slowed_down(hub: Hub) -> None:
    await hub.register("bob")
    stranger = await hub.connect()
    guesses = [await stranger.ask("login", handle="bob", password=f"guess {n}") for n in range(12)]
    assert [one["code"] for one in guesses[:10]] == ["login_failed"] * 10
    assert guesses[-1]["code"] == "rate_limited"
    assert guesses[-1]["details"]["retry_after_ms"] > 0
    assert (await stranger.ask("login", handle="nobody", password="x"))["code"] == "login_failed"
