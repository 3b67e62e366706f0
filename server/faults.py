"""Faults that are planted on purpose, to prove that `teller prove` finds them.

`TELLER_FAULT` names one; nothing else sets it. Read once at the start, so that where none is set a
fault costs a look at a constant.
"""

from __future__ import annotations

import os

FAULTS = (
    *("drop-credit", "double-credit", "swap-entries"),
    *("refund-on-timeout", "skip-fsync", "lose-relay"),
)

FAULT = os.environ.get("TELLER_FAULT", "")
"""The fault that is planted in this process; empty for none."""
if FAULT and FAULT not in FAULTS:
    raise SystemExit(f"TELLER_FAULT must be one of {', '.join(FAULTS)}, not {FAULT}")
