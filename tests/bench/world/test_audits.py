"""Whether the books of several regions fit: planted differences, each of which must be told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.world import faults
from bench.world.audits import unfit
from server.ledger.audit import AuditReport
from tests.bench.contenders import Notes

EU = AuditReport(
    circulation={"USD": 100},
    held={"USD": 95},
    sent={"us": {"USD": 7}},
    come={"us": {"USD": 2}},
)
US = AuditReport(
    circulation={"USD": 50}, held={"USD": 55}, sent={"eu": {"USD": 2}}, come={"eu": {"USD": 7}}
)


def test_books_that_fit() -> None:
    assert unfit({"eu": EU, "us": US}) == []


@pytest.mark.parametrize(
    ("us", "told"),
    [
        (replace(US, findings=["@bob differs"]), "us: @bob differs"),
        (replace(US, come={"eu": {"USD": 6}}), "eu has sent {'USD': 7} to us"),
        (replace(US, sent={}), "us has sent {} to eu, where {'USD': 2} has come"),
        (replace(US, held={"USD": 56}), "together have {'USD': 151}, but were given {'USD': 150}"),
    ],
)
def test_what_does_not_fit_is_told_and_fails_the_gate(us: AuditReport, told: str) -> None:
    (found,) = unfit({"eu": EU, "us": us})
    assert told in found
    notes = Notes()
    assert not faults.audited(notes, [found])
    assert told in notes.said[0]
