"""What is broken between regions, and what must hold all the same."""

from __future__ import annotations

import time
from typing import Any

from ..outcome import Outcome
from ..turns import Watch
from .figures import PAYMENT_ACK, Samples, percentile
from .ops import Pair
from .stand import World

LEAD_SECONDS = 1.0
"""Load before something breaks."""
SENDING_SHARE = 0.6
"""Of a cut: then nobody sends, so that the books can be read while it lasts."""
READING_SHARE = 0.9
AFTER_SECONDS = 2.0
"""Load after it is whole again."""
PATIENCE = 4
"""How many times its length a fault may take to drain before what is missing counts as lost."""
UNANSWERED = "payers without an answer at the end"
START_SECONDS = 15
"""What a hub and its store may take to come back with their data."""


def cut(watch: Watch, stand: World, samples: Samples, seconds: float, rate: float) -> Outcome:
    """The line between the first two regions carries nothing for so many seconds."""
    watch.advance(f"world: a cut of {seconds:g} s")
    one, other = list(stand.hubs)[:2]
    before = stand.clients.call("balances")
    stand.clients.call("begin", pairs=stand.pairs, rate=rate, seconds=lead(seconds))
    time.sleep(LEAD_SECONDS)
    began = time.monotonic()
    stand.line.call("cut", one=one, other=other)
    stand.clients.call("sent")
    _sleep_until(began + READING_SHARE * seconds)
    standing = stand.clients.call("standing")
    outcome = books(watch, before, stand.clients.call("balances"), "during the cut")
    _sleep_until(began + seconds)
    stand.line.call("heal", one=one, other=other)
    return _drained(watch, stand, samples, outcome, "cut", seconds, rate, before, standing)


def loss(watch: Watch, stand: World, samples: Samples, seconds: float, rate: float) -> Outcome:
    """The second region, hub and store, is gone for so many seconds; then it starts again with the
    data on its disk. Meanwhile nobody there sends, but the others send to it."""
    watch.advance(f"world: a region lost for {seconds:g} s")
    gone = list(stand.hubs)[1]
    before = stand.clients.call("balances")
    pairs: list[Pair] = [pair for pair in stand.pairs if pair[0] != gone]
    stand.clients.call("begin", pairs=pairs, rate=rate, seconds=lead(seconds))
    time.sleep(LEAD_SECONDS)
    began = time.monotonic()
    stand.lose(gone)
    stand.clients.call("sent")
    _sleep_until(began + seconds)
    standing = stand.clients.call("standing")
    stand.restore(gone)
    return _drained(watch, stand, samples, Outcome(), "loss", seconds, rate, before, standing)


def books(watch: Watch, before: dict[str, int], after: dict[str, int], when: str) -> Outcome:
    """Whether all money is there: what accounts have, and what is on its way."""
    missing = before["sum"] + before["in_transit"] - after["sum"] - after["in_transit"]
    held = missing == 0 and after["least"] >= 0
    if not held:
        words = f"{missing} minor units are missing, the least balance is {after['least']}"
        watch.say(f"WRONG: {when} {words}")
    return Outcome(held=held)


def audited(watch: Watch, wrong: list[str]) -> bool:
    """Whether the regions' own audits found nothing wrong. Says what they did."""
    for sentence in wrong:
        watch.say(f"WRONG: {sentence}")
    return not wrong


def told(watch: Watch, window: dict[str, Any], when: str) -> bool:
    """Whether the gate held: everything done, once, in order. Says so if not."""
    if window["faults"]:
        watch.say(f"WRONG: {when} {window['faults']} {window['errors'][:1]}")
    return not window["faults"]


def _drained(
    watch: Watch,
    stand: World,
    samples: Samples,
    outcome: Outcome,
    name: str,
    seconds: float,
    rate: float,
    before: dict[str, int],
    standing: dict[str, int],
) -> Outcome:
    """It is whole again as of now: the load goes on, and all that waited must come."""
    healed = time.monotonic_ns()
    stand.clients.call("begin", pairs=stand.pairs, rate=rate, seconds=AFTER_SECONDS, more=True)
    window = stand.clients.call("finish", drain=PATIENCE * seconds + START_SECONDS)
    outcome.held &= told(watch, window, f"after the {name}")
    waited = stand.clients.call("backlog", moment=healed)
    outcome += books(watch, before, stand.clients.call("balances"), f"after the {name}")
    longest = max((one["drained"] for one in waited.values()), default=0.0)
    acks = [t for of in window["samples"].values() for t in of.get(PAYMENT_ACK, [])]
    scenario = f"world {name}"
    outcome.rows += [
        samples.row(scenario, UNANSWERED, float(standing["unacknowledged"]), ""),
        samples.row(scenario, "undelivered at the end", float(standing["undelivered"]), ""),
        samples.row(scenario, "money in transit at the end", float(standing["in_transit"]), ""),
        samples.row(scenario, "seconds to drain", longest, "s"),
        samples.row(scenario, f"seconds to drain ÷ {name}", longest / seconds, "×"),
    ]
    if acks:
        outcome.rows.append(
            samples.row(scenario, "payment ack p99", 1_000 * percentile(acks, 99), "ms")
        )
    return outcome


def lead(seconds: float) -> float:
    """How long load goes on that begins before a fault of so many seconds."""
    return LEAD_SECONDS + SENDING_SHARE * seconds


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
