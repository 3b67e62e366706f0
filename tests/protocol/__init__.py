"""Proof for `protocol`; `python -m tests.protocol` refreshes the vectors and the reference."""
