"""`python -m server`: the same as the command `teller`."""

from .cli import main

main()
