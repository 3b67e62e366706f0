"""What the people of the proof do next. All that is random comes from each one's own generator."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .person import Person

Frame = dict[str, Any]
YARD = "#yard"
"""A room where people come and go."""
PEOPLE_PER_ROOM = 12
"""Each room is made by one of so many."""
ROOMS_EACH = 2
AMOUNT_MAX = 2_500
"""Minor units; the opening balance is spent after a few, so that some payments are refused."""
KINDS = ("say", "call", "shout", "pay", "show", "move", "mark")
WEIGHTS = (5, 4, 1, 6, 1, 1, 1)
BURST = (1, 1, 1, 2, 3, 4)
"""How many frames are sent back to back."""


def rooms_of(number: int) -> list[str]:
    """The rooms that a crowd of `number` makes, besides the yard."""
    return [f"#hall{n}" for n in range(max(1, number // PEOPLE_PER_ROOM))]


def homes(place: int, number: int) -> list[str]:
    """The rooms of the person at `place`, the first of which they make if they are to."""
    rooms = rooms_of(number)
    return list(dict.fromkeys(rooms[(place + n) % len(rooms)] for n in range(ROOMS_EACH)))


def first_steps(place: int, number: int) -> list[Frame]:
    """What somebody does first: make rooms, or join them."""
    rooms = homes(place, number)
    steps: list[Frame] = [{"type": "join", "room": room} for room in rooms]
    if place < len(rooms_of(number)):
        steps[0]["type"] = "create"
    if place == 0:
        steps.append({"type": "create", "room": YARD})
    return steps


def compose(person: Person) -> Frame:
    """The next thing that `person` does; without its id."""
    rng: Random = person.rng
    to = rng.choice(person.others)
    money = {"amount": rng.randint(1, AMOUNT_MAX), "currency": "USD"}
    kind = rng.choices(KINDS, WEIGHTS)[0]
    if kind == "mark" and not person.heard_of:
        kind = "say"
    if kind == "move":
        coming = YARD not in person.follows
        return {"type": "join" if coming else "leave", "room": YARD}
    if kind == "mark":
        author, id = person.heard_of
        return {"type": rng.choice(("read", "delivered")), "to": author, "up_to": id}
    if kind in ("pay", "show"):
        frame: Frame = {"type": "payment", "to": to, **money}
        if kind == "show":
            frame["room"] = rng.choice(person.homes)
        if rng.random() < 0.5:
            frame["text"] = words(rng)
        return frame
    where = {"say": to, "call": rng.choice(person.homes), "shout": YARD}[kind]
    return {"type": "message", "to": where, "text": words(rng)}


def words(rng: Random) -> str:
    """A text that is different each time."""
    return f"{rng.getrandbits(64):x} " * rng.randint(1, 6)


def altered(frame: Frame, rng: Random) -> Frame:
    """The same id with other content, that would go to the same partition."""
    if "amount" in frame:
        return {**frame, "amount": frame["amount"] + rng.randint(1, 9)}
    return {**frame, "text": frame["text"] + "!"}
