"""What hubs of different regions say to each other: MessagePack arrays, one per WebSocket message.

The side that dials asks, the other answers. First both prove that they know the secret (see
`proof`); then each `Call` gets an `Answer` with its number, in any order.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=0, lt=2**48)]
"""A number of a leg, or a time in ms: six bytes in the store."""


class Said(Struct, array_like=True, tag=True, gc=False):
    """Begins with the name of its kind."""


# Getting to know each other.


class Hail(Said):
    """The first word of who dials."""

    region: str
    """Where the dialling hub is."""
    to: str
    """The region that it wants."""
    partitions: int
    """Of its store."""
    nonce: bytes


class Challenge(Said):
    """The answer: proves the secret, asks for the same."""

    partitions: int
    nonce: bytes
    proof: bytes


class Proof(Said):
    """The other proof."""

    proof: bytes


class Ready(Said):
    """From now on calls are answered."""


# Questions.


class Arrive(Said):
    """Legs of the lane from the partition labelled `source`, in order, as their outbox has them."""

    source: str
    dest: int
    """The partition where they arrive."""
    floor: Count
    """All legs up to it are settled at their source."""
    first: Count
    """The number of the first of `legs`."""
    legs: list[bytes]
    keys: dict[str, tuple[bytes, int]] = {}
    """Those to the words in the legs, and for how many seconds they may be kept."""
    behind: Count = 0
    """The time of the leg before the first, in ms; 0: not known."""


class Ends(Said):
    """What has arrived by these lanes, each a source's label and the partition of its end."""

    lanes: list[tuple[str, int]]


class Find(Said):
    """Where does this name live, as the directory has it?"""

    name: str


class Claim(Said):
    """Let this name live in the region that asks, unless it has a home already."""

    name: str


class Lives(Said):
    """Is this account in the region that is asked? Answer: `Home`, with that region or none."""

    name: str


class Ask(Said):
    """A frame about a room of the region that is asked, from an account of the region that asks.
    Answer: `Told`."""

    who: str
    hint: int
    """The `Status` that stands in its way where the account lives; 0 for none."""
    frame: bytes
    """The client's frame, in MessagePack."""


class Mirror(Said):
    """Entries of a room of the region that says so, for the copy in the region that is told.
    Answer: `Mirrored`."""

    room: str
    epoch: int
    """Of the room's box; in another one than before, the copy begins anew."""
    after: int
    """They belong behind so many; where the copy holds more or fewer, they are dropped."""
    entries: list[bytes]
    """As stored. None: only where the copy stands is asked."""
    keys: dict[str, tuple[bytes, int]] = {}
    """Those to the words in the entries, and for how many seconds they may be kept."""


class Keys(Said):
    """The keys of the words of these accounts of the region that is asked. Answer: `KeysTold`."""

    names: list[str]


# Answers.


class Outcomes(Said):
    """The status of each leg, and its detail, up to the first that did not arrive: what follows
    that one did not happen either, or is not known."""

    legs: list[tuple[int, bytes]]


class Records(Said):
    """The record of each lane at its end; None for one never used."""

    records: list[bytes | None]


class Home(Said):
    """The region where the name lives; empty for nowhere."""

    region: str


class Told(Said):
    """What the hub of the room's region answered, in MessagePack."""

    frame: bytes


class Mirrored(Said):
    """How many entries the copy holds."""

    length: int


class KeysTold(Said):
    """The keys of those accounts that have one; of zeros, if it was destroyed."""

    keys: dict[str, bytes]


class Failed(Said):
    """Whether it happened is not known. Everything may be asked again."""


Question = Arrive | Ends | Find | Claim | Lives | Ask | Mirror | Keys
Reply = Outcomes | Records | Home | Told | Mirrored | KeysTold | Failed


class Call(Said):
    """A question, numbered by who asks."""

    number: int
    question: Question


class Answer(Said):
    """The reply to the call of that number."""

    number: int
    reply: Reply


encode = msgspec.msgpack.Encoder().encode
_ASKED: msgspec.msgpack.Decoder[Hail | Proof | Call] = msgspec.msgpack.Decoder(Hail | Proof | Call)
_TOLD: msgspec.msgpack.Decoder[Challenge | Ready | Answer] = msgspec.msgpack.Decoder(
    Challenge | Ready | Answer
)


def decode_asked(data: bytes) -> Hail | Proof | Call:
    """What the dialling side said.

    Raises:
        ValueError: if it is nothing of that kind.
    """
    return _ASKED.decode(data)


def decode_told(data: bytes) -> Challenge | Ready | Answer:
    """What the dialled side said.

    Raises:
        ValueError: if it is nothing of that kind.
    """
    return _TOLD.decode(data)
