"""Words are encrypted at rest, under a key of each account, which erasure destroys."""
