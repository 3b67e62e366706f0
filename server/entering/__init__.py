"""Coming in: passwords and tokens, and an account's state without a gap."""
