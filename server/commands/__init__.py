"""Commands that are no hub: the checks, the books, backups, what the operator asks for."""
