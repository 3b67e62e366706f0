"""The planet model."""
