"""`python -m tests.crash.runner STEP PASSES serve ...`: the command `teller`, one step armed."""

from __future__ import annotations

import sys

from server.cli import main
from tests.crash.steps import arm

if __name__ == "__main__":
    arm(sys.argv[1], int(sys.argv[2]))
    sys.argv[1:] = sys.argv[3:]
    main()
