"""Payment systems that bring a load program of their own, and are not driven by the generator."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from bench.systems import System


@dataclass
class PaymentSystem(System, ABC):
    """A running ledger to stand beside Teller's payments."""

    @abstractmethod
    def play(
        self, *, seconds: float, warm_up: float, to: str = "uniform", **plan: Any
    ) -> dict[str, Any]:
        """A window of payments, and the figures in the generator's form.

        `to` says who is paid: ``uniform`` (or ``pair``: anyone), ``zipf`` or ``hot``.

        Raises:
            BenchError: if it cannot be driven so.
        """
