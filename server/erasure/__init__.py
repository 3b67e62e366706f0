"""Leaving for good: an account erased, and before that, everything it has handed out."""
