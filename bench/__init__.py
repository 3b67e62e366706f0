"""The benches: a load generator, scenarios with a correctness gate each, peers, and a report.

`bench.cli` holds the commands. The parent process starts the systems and one generator process
per system (`bench.load`), interleaves their rounds and prints what came out.
"""
