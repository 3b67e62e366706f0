"""The planet model: from what one machine was measured to cost, to what a billion users would.

A model, not a claim: `check` holds it against the curve that was measured, and every table that is
printed says how far off it was.
"""
