"""Telling what was written: each box in its order, at every hub, and nothing missed."""
