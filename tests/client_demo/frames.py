"""Frames as dicts, made by the protocol's own schema and codec, so that they are real."""

from __future__ import annotations

from typing import Any

import msgpack

from client_demo.events import Frame
from protocol import codec, frames


def from_hub(frame: frames.HubFrame) -> Frame:
    """What a client reads when the hub sends `frame`."""
    return msgpack.unpackb(codec.MSGPACK.encode(frame))


def as_hub_reads(frame: Frame) -> frames.ClientFrame:
    """What the hub reads when a client sends `frame`; raises FrameError if it is not legal."""
    return codec.MSGPACK.decode_client_frame(msgpack.packb(frame))


def welcome(**boxes: int) -> Frame:
    """A welcome for alice: `me` is her own box, every other name a room, with its last seq."""
    states = {
        "@alice" if name == "me" else f"#{name}": frames.BoxState(epoch=1, seq=seq)
        for name, seq in boxes.items()
    }
    return from_hub(
        frames.Welcome(
            id="w",
            handle="alice",
            boxes=states,
            balances={"USD": frames.Holding(10_000, 0)},
            version=1,
            limits={},
        )
    )


def message(seq: int, sender: str = "@bob", to: str = "@alice", id: str = "", **more: str) -> Frame:
    """A message entry of alice's box, or of the room it went to."""
    box = to if to.startswith("#") else "@alice"
    return from_hub(
        frames.MessageEntry(
            id=id or f"{sender}{seq}",
            from_=sender,
            to=to,
            text=more.get("text", f"text {seq}"),
            box=box,
            seq=seq,
            at=seq * 1000,
        )
    )


def payment(
    seq: int,
    amount: int,
    sender: str = "@bob",
    to: str = "@alice",
    id: str = "",
    state: str = "settled",
    **more: str,
) -> Frame:
    """A payment entry of alice's box, or of another `box`."""
    return from_hub(
        frames.PaymentEntry(
            id=id or f"{sender}{seq}",
            from_=sender,
            to=to,
            amount=amount,
            currency="USD",
            seq=seq,
            at=seq * 1000,
            state=state,  # type: ignore[arg-type]
            **{"box": "@alice", **more},  # type: ignore[arg-type]
        )
    )


def settled(seq: int, id: str, amount: int = 500, to: str = "@bob") -> Frame:
    """The entry of alice's box that says that her payment arrived."""
    return from_hub(frames.SettledEntry(id, "@alice", to, amount, "USD", "@alice", seq, seq * 1000))


def returned(
    seq: int, id: str, amount: int = 0, to: str = "@bob", reason: str = "party_frozen", **more: Any
) -> Frame:
    """The entry of alice's box that says that something of hers came back."""
    money = {"amount": amount, "currency": "USD"} if amount else {}
    place = {"box": "@alice", "seq": seq, "at": seq * 1000}
    return from_hub(frames.ReturnedEntry(id, "@alice", to, reason, **money, **place, **more))


def ack(id: str, seq: int, box: str = "@alice", **more: object) -> Frame:
    """The answer to a frame that was stored."""
    return from_hub(
        frames.Ack(id=id, at=seq * 1000, durable="disk", box=box, seq=seq, **more)  # type: ignore[arg-type]
    )


def error(id: str, code: str, retry: str, **details: int) -> Frame:
    """The answer to a frame that was refused."""
    return from_hub(
        frames.Error(
            code=code,
            message=code,
            retry=retry,  # type: ignore[arg-type]
            id=id,
            details=dict(details),
        )
    )


def page(id: str, entries: list[Frame], more: bool, box: str = "@alice") -> Frame:
    """A page of history."""
    return {"type": "history", "id": id, "box": box, "entries": entries, "more": more}
