"""Refresh the tables of docs/operations.md that are generated from the code."""

from . import tables

if __name__ == "__main__":
    tables.write()
