"""What people say of themselves, and who is there."""

from __future__ import annotations

from msgspec import UNSET

from protocol.errors import Code
from protocol.frames import Described, Profile, Profiles, ProfilesPage, Watch

from ..commit.replies import read_all
from ..ledger.conditions import Change, Op
from ..ledger.keys import AccountKeys
from ..ledger.records import CLOSED
from ..ledger.routing import to_self
from ..peer import Peer
from ..people.halves import accepts, half_of
from ..seal.words import hide
from ..services import Services
from ..store.connection import Command
from .paying import pay_for
from .posting import draft

NAMES_PER_TURN = 10
"""So many names in a question count as one frame against the connection's rate."""


def profile(services: Services, peer: Peer, frame: Profile) -> None:
    """Change what one says of oneself."""
    post = draft(services, peer, frame)
    own = peer.keys
    to_self(post, own)
    post.to = own
    for field in ("name", "about"):
        text = getattr(frame, field)
        if text is UNSET:
            continue
        hidden = hide(peer.seal, field, text) if text else ""
        post.changes += (Change(own.profile, Op.PUT, field, hidden),)
    for field in ("receipts", "seen"):
        wanted = getattr(frame, field)
        if wanted is not UNSET:
            post.changes += (Change(own.profile, Op.PUT, field, "1" if wanted else "0"),)
    if frame.seen is False:
        post.changes += (Change(own.profile, Op.DROP, "last"),)
    services.post(peer, post)


def profiles(services: Services, peer: Peer, frame: Profiles) -> None:
    """What people and rooms say of themselves. A private room says nothing to others; when somebody
    was last there is told to those whom they have accepted."""
    names = [name for name in dict.fromkeys(frame.who) if name[0] in "@#"]
    pay_for(services, peer, frame.id, len(names) // NAMES_PER_TURN)
    keyspace = services.keyspace
    wanted: dict[int, list[Command]] = {}
    asked: dict[int, list[AccountKeys]] = {}
    for name in names:
        if name in keyspace.abroad:
            continue  # their region keeps it
        keys = keyspace.of(name)
        wanted.setdefault(keys.partition, []).extend(_questions(services, peer, keys))
        asked.setdefault(keys.partition, []).append(keys)

    def take(found: dict[int, list[object]] | None) -> None:
        if peer.gone:
            return
        if found is None:
            peer.refuse(Code.UNAVAILABLE, frame.id)
            return
        people = [one for keys in asked.values() for one in keys if one.name[0] == "@"]
        services.seals.ready((one.name for one in people), lambda: answer(found))

    def answer(found: dict[int, list[object]]) -> None:
        known: dict[str, Described] = {}
        for partition, keys in asked.items():
            replies = found[partition]
            for place, one in enumerate(keys):
                described = _described(services, peer, one, *replies[2 * place : 2 * place + 2])
                if described is not None:
                    known[one.name] = described
        peer.send(ProfilesPage(frame.id, [known[name] for name in names if name in known]))

    read_all(services, wanted, take)


def watch(services: Services, peer: Peer, frame: Watch) -> None:
    """Who of these people is there, from now on."""
    pay_for(services, peer, frame.id, len(frame.who) // NAMES_PER_TURN)
    services.presence.watch(peer, frame)


def _questions(services: Services, peer: Peer, keys: AccountKeys) -> list[Command]:
    if keys.name[0] == "#":
        return [("HGETALL", keys.profile), ("HLEN", keys.members)]
    pair = services.keyspace.pair(keys.partition, keys.name, peer.handle)
    return [("HGETALL", keys.profile), ("MGET", keys.record, pair)]


def _described(
    services: Services, peer: Peer, keys: AccountKeys, said: object, rest: object
) -> Described | None:
    assert isinstance(said, dict)
    if keys.name[0] == "@":
        assert isinstance(rest, list)
        return _person(services, peer, keys.name, said, *rest)
    assert isinstance(rest, int)
    inside = peer.party is not None and keys.name in peer.party.rooms
    return _room(keys.name, said, rest) if rest and (inside or _open(said)) else None


def _open(said: dict[bytes, bytes]) -> bool:
    return said.get(b"access") != b"private"


def _room(name: str, said: dict[bytes, bytes], members: int) -> Described:
    title, topic, access = (said.get(one, b"").decode() for one in (b"title", b"topic", b"access"))
    slow_s = int(said.get(b"slow_s", b"0"))
    return Described(name, title, topic, access or "public", slow_s, members)  # type: ignore[arg-type]


def _person(
    services: Services,
    peer: Peer,
    name: str,
    said: dict[bytes, bytes],
    record: bytes | None,
    pair: bytes | None,
) -> Described | None:
    if not record or record[0] & CLOSED:
        return None
    reveal = services.seals.reveal
    title = reveal(name, "name", said.get(b"name", b"").decode())
    about = reveal(name, "about", said.get(b"about", b"").decode())
    last = int(said.get(b"last", b"0"))
    known = accepts(half_of(pair, name, peer.handle), services.settings.strangers)
    shown = last and said.get(b"seen") != b"0" and (known or name == peer.handle)
    return Described(name, title, about, seen=last if shown else UNSET)
