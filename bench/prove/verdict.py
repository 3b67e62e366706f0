"""The verdict: everything that was counted, and what broke."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from .faults import Done
from .wanted import Wanted

PROMISES = {
    "gaps": "a client's stream or a box has a hole",
    "doubles": "something stands, or was told, twice",
    "reorders": "an order is not the same for everyone, or not the sender's",
    "forks": "an entry reads differently for different people",
    "missed live": "a connected client did not hear what is written",
    "lost": "something that was acknowledged, or told, is not there",
    "refused but done": "a refused frame happened all the same",
    "money created": "an account has more than it was given",
    "money lost": "an account has less than it was left",
    "negative": "a balance is below zero",
    "in transit": "a payment did not arrive, in all the time there was",
    "wrong state": "a payment is not in the state that it was said to be",
    "two answers": "one frame got two different answers",
    "altered": "an altered copy of a frame was not refused as id_reused",
    "ack ahead": "an ack came before what stands before it in its box",
    "durability": "an ack rests on less than was asked for",
    "status": "a status does not say what the ack said",
    "wrong refusal": "an honest frame was refused for a wrong reason",
    "refused entrance": "somebody was not let in with a good token",
    "unresolved": "a frame got no final answer when all was whole again",
    "unreadable": "not everything could be read when all was whole again",
    "books": "the ledger's own audit found something",
    "undeclared": "something is lost that the loss table does not allow to be",
    "mistakes": "a hub wrote an exception into its log",
    "not whole": "what was broken did not come back",
}
"""What must not happen, by the name of the finding."""


@dataclass
class Verdict:
    """Of one run."""

    wanted: Wanted
    crowd: dict[str, Any] = field(default_factory=dict)
    """What the clients found; see `crowd.judge.Judge.told`."""
    broken: dict[str, list[str]] = field(default_factory=dict)
    """By kind of promise: what broke it, in sentences."""
    counts: dict[str, int] = field(default_factory=dict)
    """By kind of promise: how often."""
    audit: str = ""
    faults: list[Done] = field(default_factory=list)
    timeline: list[dict[str, Any]] = field(default_factory=list)
    """A sample of each second."""
    seconds: float = 0.0

    def add(self, kind: str, sentences: list[str], count: int | None = None) -> None:
        """Something broke."""
        if sentences:
            self.broken.setdefault(kind, []).extend(sentences)
            self.counts[kind] = self.counts.get(kind, 0) + (count or len(sentences))

    def take(self, crowd: dict[str, Any]) -> None:
        """Take what the clients found."""
        self.crowd = crowd
        for kind, sentences in crowd["sentences"].items():
            self.add(kind, sentences, crowd["wrong"][kind])

    @property
    def held(self) -> bool:
        """Whether every promise was kept."""
        return not self.broken

    def rows(self) -> list[tuple[str, str]]:
        """What was counted, in words."""
        crowd, tally = self.crowd, self.crowd.get("tally", {})
        again = sum(tally.get("again", {}).values())
        refused = crowd.get("refused", {})
        told = ", ".join(f"{code} {number:,}" for code, number in sorted(refused.items()))
        declared = crowd.get("declared", {})
        return [
            ("frames sent", f"{tally.get('sent', 0):,}"),
            ("copies of them", f"{tally.get('copies', 0):,}"),
            ("acknowledged", f"{tally.get('acked', 0):,}"),
            ("of these replayed", f"{tally.get('replayed', 0):,}"),
            ("refused for good", f"{sum(refused.values()):,}" + (f" ({told})" if told else "")),
            ("answered: send it again", f"{again:,}"),
            ("unknown at least once", f"{tally.get('unknown', 0):,}"),
            ("sent twice on purpose", f"{tally.get('doubles', 0):,}"),
            ("altered copies refused", f"{tally.get('altered', 0):,}"),
            ("without an answer in the end", f"{crowd.get('unresolved', 0):,}"),
            ("payments", f"{crowd.get('payments', 0):,}"),
            ("connections made", f"{tally.get('connections', 0):,}"),
            (
                "boxes and entries compared",
                f"{crowd.get('boxes', 0):,}, {crowd.get('entries', 0):,}",
            ),
            (
                "gaps, doubles, reorders",
                ", ".join(map(self._count, ("gaps", "doubles", "reorders"))),
            ),
            ("money created, lost", ", ".join(map(self._count, ("money created", "money lost")))),
            ("losses that were declared", f"{declared.get('acknowledged', 0):,}"),
            ("faults", f"{len(self.faults)}"),
        ]

    def _count(self, kind: str) -> str:
        return str(self.counts.get(kind, 0))

    def plain(self) -> dict[str, Any]:
        """For `verdict.json`."""
        return {
            "held": self.held,
            "wanted": {**asdict(self.wanted), "out": str(self.wanted.out)},
            "seconds": round(self.seconds, 1),
            "broken": self.broken,
            "counts": self.counts,
            "audit": self.audit,
            "crowd": self.crowd,
            "faults": [asdict(fault) for fault in self.faults],
            "timeline": self.timeline,
        }
