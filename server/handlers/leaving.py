"""All that is kept of an account, to take away; and the end of the account."""

from __future__ import annotations

from protocol.errors import Code
from protocol.frames import Described, Erase, Export, ExportReport

from ..commit.replies import read_all
from ..ledger.records import parse_record
from ..peer import Peer
from ..people.devices import own_device, tokens_in
from ..services import Services
from ..store.connection import Command


def erase(services: Services, peer: Peer, frame: Erase) -> None:
    """Close the account for ever, and destroy its words."""
    services.erasing.erase(peer, frame)


def export(services: Services, peer: Peer, frame: Export) -> None:
    """What is kept besides entries. The rooms are those of the connection, as it knows them."""
    keys, of = peer.keys, services.keyspace.of
    rooms = sorted(peer.party.rooms) if peer.party is not None else []
    own: list[Command] = [("GET", keys.record), ("LLEN", keys.box)]
    own += [("HGETALL", one) for one in (keys.profile, keys.contacts, keys.tokens)]
    wanted: dict[int, list[Command]] = {keys.partition: own.copy()}
    by_partition: dict[int, list[str]] = {}
    for room in rooms:
        home = of(room)
        by_partition.setdefault(home.partition, []).append(room)
        asked = wanted.setdefault(home.partition, [])
        asked += [("HGET", home.members, peer.handle), ("LLEN", home.box)]

    def take(found: dict[int, list[object]] | None) -> None:
        if peer.gone:
            return
        if found is None:
            peer.refuse(Code.UNAVAILABLE, frame.id)
            return
        replies = found[keys.partition]
        first, found[keys.partition] = replies[: len(own)], replies[len(own) :]
        roles: dict[str, str] = {}
        boxes: dict[str, int] = {}
        for partition, names in by_partition.items():
            for place, room in enumerate(names):
                role, length = found[partition][2 * place : 2 * place + 2]
                roles[room] = role.split()[0].decode() if isinstance(role, bytes) else "member"
                boxes[room] = length if isinstance(length, int) else 0
        services.seals.ready(
            [peer.handle],
            lambda: peer.send(_report(services, peer, frame.id, first, roles, boxes)),
        )

    read_all(services, wanted, take)


def _report(
    services: Services,
    peer: Peer,
    id: str,
    found: list[object],
    rooms: dict[str, str],
    boxes: dict[str, int],
) -> ExportReport:
    stored, length, said, contacts, tokens = found
    assert isinstance(stored, bytes)
    assert isinstance(length, int)
    assert isinstance(said, dict)
    assert isinstance(contacts, dict)
    assert isinstance(tokens, dict)
    name, reveal = peer.handle, services.seals.reveal
    title, about = (reveal(name, one, said.get(one.encode(), b"").decode()) for one in _TEXTS)
    now, current = services.store_now(), peer.token_field
    devices = [own_device(one, current, one.field == current, now) for one in tokens_in(tokens)]
    return ExportReport(
        id,
        name.removeprefix("@"),
        Described(name, title, about),
        {one: said.get(one.encode()) != b"0" for one in ("receipts", "seen")},
        parse_record(stored).balances,
        rooms,
        _arranged(contacts),
        devices,
        {name: length, **boxes},
    )


_TEXTS = ("name", "about")


def _arranged(contacts: dict[bytes, bytes]) -> dict[str, str]:
    """How each conversation is arranged: the letters of what is set; see `contact.FLAGS`."""
    found: dict[str, str] = {}
    for field in sorted(one.decode() for one in contacts):
        letter, _, who = field.rpartition(":")
        found[who] = found.get(who, "") + letter
    return found
