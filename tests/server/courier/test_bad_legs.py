"""What another region sends that no hub of ours would: it is refused where it is read, and costs
nobody else an answer."""

from __future__ import annotations

import msgspec
import pytest

from server.ledger.arrivals import arrival
from server.ledger.corrections import CorrectionEntry
from server.ledger.entries import encode_entry
from server.ledger.keys import LOSSES
from server.ledger.legs import Leg, LegKind, pack_leg, read_leg, stamped
from server.regions import frames
from tests.server.courier.conftest import ALICE, KEYSPACE


@pytest.mark.parametrize("field", ["floor", "first", "behind"])
@pytest.mark.parametrize("value", [-1, 2**48])
def test_a_number_that_no_record_can_hold_is_refused(field: str, value: int) -> None:
    good = frames.Arrive("us.0", 1, 0, 1, [])
    assert msgspec.convert(msgspec.to_builtins(good), frames.Arrive) == good
    bad = msgspec.structs.replace(good, **{field: value})
    with pytest.raises(msgspec.ValidationError, match="Expected `int`"):
        msgspec.convert(msgspec.to_builtins(bad), frames.Arrive)


@pytest.mark.parametrize("amount", [-1, 2**53])
def test_an_amount_that_nobody_can_have_is_refused(amount: int) -> None:
    leg = stamped(1, pack_leg(Leg(LegKind.PERSON, ALICE, "@zed", "i", amount=amount)))
    with pytest.raises(ValueError, match="damaged"):
        read_leg(leg)


def test_a_correction_is_nobodys_entry() -> None:
    body = encode_entry(CorrectionEntry("i", LOSSES, LOSSES, "0>1"))
    leg = stamped(1, pack_leg(Leg(LegKind.PERSON, ALICE, "@zed", "i", body=body)))
    with pytest.raises(ValueError, match="correction"):
        arrival(KEYSPACE, KEYSPACE.partition_of(ALICE), "us.1", 1, leg, 0)
