"""Refresh what is generated from the code: the golden vectors, and the tables of the reference."""

from . import reference, vectors

if __name__ == "__main__":
    vectors.write()
    reference.write()
