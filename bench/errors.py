"""What can go wrong in a bench, as opposed to in what it measures."""


class BenchError(Exception):
    """The bench could not be run: a system did not start, a set-up step was refused."""
