"""Autobahn's cases, run by `kosoku` against the hub's WebSocket edge.

What is not a plain "OK" stands in `DEVIATIONS`, with its reason. A case that starts to fail, or to
pass, makes the test fail.
"""

from __future__ import annotations

from itertools import groupby

from kosoku import FailureError, run_fuzzingclient

from .echo import echo_server

NOT_OFFERED = ("UNIMPLEMENTED", "OK")
LATE = ("NON-STRICT", "OK")
UNSPECIFIED = ("INFORMATIONAL", "INFORMATIONAL")
CLOSED_1002 = ("FAILED", "WRONG CODE")

DEVIATIONS = {
    **{
        f"6.4.{case}": (LATE, "UTF-8 is checked once the message is whole, not as it comes in")
        for case in (1, 2, 3, 4)
    },
    "7.1.5": (
        CLOSED_1002,
        "`websockets` takes a close within a fragmented message for an error: 1002, not 1000",
    ),
    "7.1.6": (UNSPECIFIED, "what was sent before a close may or may not be answered"),
    "7.13.1": (UNSPECIFIED, "close code 5000 is outside of what the RFC speaks of"),
    "7.13.2": (UNSPECIFIED, "close code 65535 is outside of what the RFC speaks of"),
}
COMPRESSION_CASES = 216
"""Groups 12 and 13. Compression is not offered: shared frames are built once for all readers."""
PLAIN_CASES = 301
"""All other groups: 1 to 7, 9 (big messages) and 10."""

Verdict = tuple[str, str]


async def verdicts(cases: list[str]) -> dict[str, Verdict]:
    """What each of `cases` found, by case id."""
    async with echo_server() as url:
        try:
            results = await run_fuzzingclient(url, cases=cases, concurrency=4)
        except FailureError as failures:
            results = failures.results
    return {one.case_id: (one.behavior.value, one.behavior_close.value) for one in results}


def unexpected(found: dict[str, Verdict]) -> dict[str, tuple[Verdict, Verdict]]:
    """Cases whose verdict is not the expected one: what was found, what was expected."""
    expected = {case: DEVIATIONS[case][0] if case in DEVIATIONS else ("OK", "OK") for case in found}
    return {case: (found[case], expected[case]) for case in found if found[case] != expected[case]}


async def test_every_case_is_met_or_its_deviation_is_listed() -> None:
    found = await verdicts([f"{group}.*" for group in (1, 2, 3, 4, 5, 6, 7, 9, 10)])
    assert unexpected(found) == {}
    assert set(DEVIATIONS) <= set(found)
    assert len(found) == PLAIN_CASES


async def test_compression_is_declined_and_the_connection_works_without() -> None:
    found = await verdicts(["12.*", "13.*"])
    assert [verdict for verdict, _ in groupby(found.values())] == [NOT_OFFERED]
    assert len(found) == COMPRESSION_CASES
