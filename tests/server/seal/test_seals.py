"""Words sealed and opened, without a hub."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from msgspec.structs import replace

from protocol.frames import (
    DepositEntry,
    EditEntry,
    Entry,
    ForwardEntry,
    MessageEntry,
    PaymentEntry,
    ProfileEntry,
    ReadEntry,
    Ref,
)
from server.ledger.entries import (
    WORDS,
    decode_entry,
    digest_of,
    encode_entry,
    read_entry,
    restated,
    split,
)
from server.ledger.waiting import as_waiting
from server.seal.seal import Destroyed, Seal
from server.seal.seals import Seals
from server.seal.sqlite import SqliteKeys
from server.seal.words import hide, sealed_body

AT = b"%013d" % 1_763_800_000_000
REF = Ref("@alice", "m0")
KEY = bytes(range(64))
ENTRIES: list[Any] = [
    MessageEntry("m", "@alice", "@bob", "héllo 👋", REF, mentions=["@bob"], expires_s=60),
    EditEntry("e", "@alice", "@bob", REF, "better words"),
    ForwardEntry("f", "@bob", "@carol", REF, "words of Alice"),
    PaymentEntry("p", "@alice", "@bob", 5, "USD", "for lunch", state="settled"),
    PaymentEntry("q", "@alice", "@bob", 5, "USD", state="settled"),
    DepositEntry("d", "$world", "@alice", 5, "USD", "salary", state="settled"),
    ProfileEntry("n", "@alice", name="Alice", about="here and there", seen=False),
    ProfileEntry("o", "@alice", seen=True),
    ReadEntry("r", "@alice", "@bob", "m"),
]


@pytest.fixture
async def seals(tmp_path: Path) -> AsyncIterator[Seals]:
    keys = SqliteKeys(tmp_path / "keys")
    await keys.open()
    seals = Seals(keys)
    for name in ("@alice", "@bob", "$world"):
        await seals.prepare(name)
    yield seals
    await seals.close()


def read(seals: Seals, *bodies: bytes) -> list[Entry]:
    """The entries of a box, read at once: all keys are at hand."""
    shown: list[list[Entry]] = []
    seals.read([(AT + body, "@bob", seq) for seq, body in enumerate(bodies, 1)], shown.append)
    assert len(shown) == 1
    return shown[0]


def test_every_entry_with_words_is_known() -> None:
    wordy = {"text", "about"}
    kinds = {one for one in Entry.__subclasses__() if wordy & set(one.__struct_fields__)}
    assert kinds == set(WORDS)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda one: f"{type(one).__name__}-{one.id}")
def test_words_come_back_and_nothing_else_is_hidden(seals: Seals, entry: Any) -> None:
    body = seals.body(entry)
    assert read(seals, body) == [replace(entry, box="@bob", seq=1, at=int(AT))]
    for field in WORDS.get(type(entry), {}):
        words = getattr(entry, field)
        assert not words or words.encode() not in body
    public: Any = read_entry(AT + body, "@bob", 1)
    hidden = [one for one in WORDS.get(type(entry), {}) if getattr(entry, one)]
    blank = {one: WORDS[type(entry)][one] for one in hidden}
    assert public == replace(entry, box="@bob", seq=1, at=int(AT), **blank)
    assert decode_entry(body) == replace(entry, **blank)


def test_the_same_frame_has_the_same_form_and_equal_words_do_not(seals: Seals) -> None:
    one, again, other = (MessageEntry(id, "@alice", "@bob", "yes") for id in ("a", "a", "b"))
    assert seals.body(one) == seals.body(again)
    assert seals.body(one)[-19:] != seals.body(other)[-19:]


def test_the_stored_form_stays_as_it_is() -> None:
    """By hand: the key's first half for the digest over both parts, the second for the words."""
    entry = MessageEntry("m", "@alice", "@bob", "")
    public = encode_entry(entry)
    digest = bytes.fromhex("656a6394e08ec23e6641761612afde80")
    words = bytes.fromhex("0193564590")
    assert blake2b(public + b"hello", key=KEY[:32], digest_size=16).digest() == digest
    cipher = Cipher(AES256(KEY[32:]), CTR(digest)).encryptor()
    assert cipher.update(b"hello") == words
    body, found = Seal(KEY).body(entry, "hello")
    assert (body[:1], body[1:3]) == (b"\xc1", len(public).to_bytes(2))
    assert (split(body), found) == ((public, digest + words), digest)
    assert entry.text == "hello"


@pytest.mark.parametrize("length", [0, 1, 300, 600])
def test_parts_of_any_length(length: int) -> None:
    entry = MessageEntry("m", "@alice", "@bob", "", mentions=["@" + "x" * length])
    body, _ = Seal(KEY).body(entry, "y" * length)
    public, words = split(body)
    assert Seal(KEY).show(words, public) == "y" * length
    assert Seal(KEY).hide("y" * length, public) == words


def test_the_digest_is_of_everything_and_of_the_key() -> None:
    def digest(to: str = "@bob", text: str = "yes", id: str = "m", key: bytes = KEY) -> bytes:
        return Seal(key).body(MessageEntry(id, "@alice", to, ""), text)[1]

    other = KEY[:31] + KEY[32:] + b"x"
    altered = [digest("@carol"), digest(text="no"), digest(id="n"), digest(key=other)]
    assert len({digest(), *altered}) == 5
    assert digest() == digest()
    # Whoever guesses the words, but has no key, cannot tell: nothing but the key makes it.
    assert digest() != digest_of(encode_entry(MessageEntry("m", "@alice", "@bob", "yes")))


def test_another_public_part_keeps_the_words(seals: Seals) -> None:
    settled = PaymentEntry("p", "@alice", "@bob", 5, "USD", "for lunch", state="settled")
    accepted = replace(settled, state="accepted")
    changed = restated(seals.body(settled), accepted)
    assert read(seals, changed) == [replace(accepted, box="@bob", seq=1, at=int(AT))]
    assert restated(changed, settled) == seals.body(settled)
    assert restated(restated(changed, replace(settled, text="")), accepted) == changed
    assert restated(encode_entry(settled), accepted) == encode_entry(accepted)
    waiting = replace(settled, state="waiting")
    shown = read(seals, as_waiting(seals.body(settled)))
    assert shown == [replace(waiting, box="@bob", seq=1, at=int(AT))]


async def test_forwarded_words_go_with_who_wrote_them(seals: Seals) -> None:
    forward = ForwardEntry("f", "@bob", "@carol", REF, "words of Alice")
    body = seals.body(forward)
    await seals.destroy("@alice")
    assert read(seals, body) == [replace(_gone(forward, "erased"), seq=1)]


async def test_destroyed_and_missing_keys_are_told_apart(seals: Seals) -> None:
    entry = MessageEntry("m", "@alice", "@bob", "words")
    stranger = MessageEntry("s", "@stranger", "@bob", "words")
    bodies = seals.body(entry), sealed_body(Seal(KEY), stranger)
    await seals.destroy("@alice")
    seals.forget("@stranger")
    shown = await seals.entries([(AT + one, "@bob", 1) for one in bodies])
    assert shown == [_gone(entry, "erased"), _gone(stranger, "locked")]
    assert seals.locked == 1


@pytest.mark.parametrize("change", [{"id": "n"}, {"to": "@carol"}, {"ref": REF}], ids=str)
def test_words_that_were_put_elsewhere_stay_closed(seals: Seals, change: dict[str, Any]) -> None:
    entry = MessageEntry("m", "@alice", "@bob", "words")
    moved = restated(seals.body(entry), replace(entry, **change))
    assert read(seals, moved)[0].gone == "locked"  # type: ignore[attr-defined]


def test_a_payment_of_another_amount_keeps_its_note_closed(seals: Seals) -> None:
    entry = PaymentEntry("p", "@alice", "@bob", 5, "USD", "for lunch", state="settled")
    for state in ("settled", "accepted"):
        altered = restated(seals.body(entry), replace(entry, amount=6, state=state))
        assert read(seals, altered)[0].gone == "locked"  # type: ignore[attr-defined]


def test_what_was_damaged_or_sealed_with_another_key_stays_closed(seals: Seals) -> None:
    entry = MessageEntry("m", "@alice", "@bob", "words")
    body = seals.body(entry)
    other = sealed_body(Seal(KEY), entry)
    for cut in (1, 5, 6, 21):  # some of the words, all of them, some of the digest, all of it
        assert read(seals, body[:-cut])[0].gone == "locked"  # type: ignore[attr-defined]
    for place in (-1, -6, -21):
        damaged = bytearray(body)
        damaged[place] ^= 1
        assert read(seals, bytes(damaged))[0].gone == "locked"  # type: ignore[attr-defined]
    assert read(seals, other)[0].gone == "locked"  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="damaged"):
        read(seals, body[:20])


async def test_who_has_no_key_any_more_writes_nothing(seals: Seals) -> None:
    seal = await seals.prepare("@alice")
    seal.body(MessageEntry("m", "@alice", "@bob", ""), "words")  # its cipher is ready now
    await seals.destroy("@alice")
    with pytest.raises(Destroyed):
        seal.body(MessageEntry("m", "@alice", "@bob", "words"), "words")
    again = await seals.prepare("@alice")
    assert again.destroyed
    with pytest.raises(Destroyed):
        seals.body(MessageEntry("m", "@alice", "@bob", "words"))


async def test_a_key_is_looked_at_again_after_an_hour(
    seals: Seals, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = seals.body(MessageEntry("m", "@alice", "@bob", "words"))
    await seals.keys.destroy("@alice")  # as another hub would, whose word was lost
    assert read(seals, body)[0].text == "words"  # type: ignore[attr-defined]
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 3600)
    assert read(seals, body)[0].gone == "erased"  # type: ignore[attr-defined]


async def test_no_region_can_put_its_key_in_place_of_ours(seals: Seals) -> None:
    body = seals.body(MessageEntry("m", "@alice", "@bob", "words"))
    wrong = KEY
    seals.told({"@alice": (wrong, 60), "@carol": (wrong, 60), "@dan": (b"short", 60)})
    assert read(seals, body)[0].text == "words"  # type: ignore[attr-defined]
    assert (await seals.prepare("@carol")).key == (await seals.keys.find(["@carol"]))["@carol"]
    assert (await seals.prepare("@carol")).key != wrong
    assert (await seals.prepare("@dan")).key != b"short"


async def test_keys_that_are_carried_on_are_kept_no_longer(
    seals: Seals, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = Seal(KEY)
    body = sealed_body(far, MessageEntry("m", "@far", "@bob", "words"))
    seals.told({"@far": (far.key, 100)})
    assert seals.carried([body, b"no entry", b"\xc1\x00\x01?!"]) == {"@far": (far.key, 99)}
    assert read(seals, body)[0].text == "words"  # type: ignore[attr-defined]
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 101)
    assert seals.carried([body]) == {}


async def test_few_ciphers_are_kept_ready(seals: Seals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.seal.seal.WARM_MAX", 2)
    monkeypatch.setattr("server.seal.seal._warm", deque())
    names = [f"@p{number}" for number in range(6)]
    bodies = []
    for name in names:
        await seals.prepare(name)
        bodies.append(seals.body(MessageEntry("m", name, "@bob", f"from {name}")))
    warm = [one for name in names if (one := await seals.prepare(name))._ready is not None]
    assert len(warm) <= 2
    assert [one.text for one in read(seals, *bodies)] == [  # type: ignore[attr-defined]
        f"from {name}" for name in names
    ]


async def test_small_texts_are_hidden_too(seals: Seals) -> None:
    stored = hide(await seals.prepare("@alice"), "about", "at sea")
    assert "at sea" not in stored
    assert seals.reveal("@alice", "about", stored) == "at sea"
    assert seals.reveal("@alice", "name", stored) == ""  # another field's
    assert seals.reveal("@alice", "about", "from before") == "from before"
    await seals.destroy("@alice")
    assert seals.reveal("@alice", "about", stored) == ""


def _gone(entry: Any, why: str) -> Any:
    return replace(entry, box="@bob", seq=1, at=int(AT), text="", gone=why)
