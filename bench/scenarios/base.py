"""What a scenario is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .. import systems
from ..outcome import Outcome, books_balance
from ..stage import Stage, Stand


@dataclass(frozen=True)
class Scenario:
    """Who sends what to whom, which figures are asked of it, and what must hold."""

    name: str
    help: str
    """One line for `teller bench list`."""
    steps: Callable[[Stage], int]
    """About how many rounds it takes, for the progress bar."""
    run: Callable[[Stage], Outcome]
    """Runs it. Raises `BenchError` where Teller could not be driven."""
    needs_own_hub: bool = False
    """Whether it looks into the hub's process, or starts several."""


def contests(
    stage: Stage,
    scenario: str,
    able: str | None = None,
    floor: bool = False,
    half: bool = False,
    of: int = 1,
) -> int:
    """The rounds of `of` contests between Teller and its peers in `scenario`."""
    contenders = 1 + len(stage.peers_in(scenario, able, floor))
    return stage.sizes.rounds * contenders * of * (2 if half and not stage.load.rate else 1)


def balanced(stage: Stage, stand: Stand, before: dict[str, int], outcome: Outcome) -> None:
    """The outcome does not hold if money was made or lost between the accounts of `stand`."""
    after = stand.generator.call("balances")
    if not books_balance(before, after):
        stage.watch.say(f"WRONG: the balances were {before} and are {after}")
        outcome.held = False


def conserved(stage: Stage, stand: Stand, before: dict[str, int], outcome: Outcome) -> Outcome:
    """The outcome, which does not hold if money was made or lost since `before`, or if the
    ledger's own audit finds something wrong."""
    balanced(stage, stand, before, outcome)
    if stand.system.store_socket is not None and not stage.watch.stopping:
        stage.watch.advance("audit of the ledger")
        if wrong := systems.audit(stand.system):
            stage.watch.say(f"WRONG: {wrong}")
            outcome.held = False
    return outcome
