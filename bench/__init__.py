"""The bench suite: Teller beside its peers and beside the limit, in one command.

`bench.cli` holds the commands, `bench.suite` a run, `bench.scenarios` what is measured. The parent
process starts the systems (`bench.systems`, `bench.peers`) and a generator process for each
(`bench.load`), lets them take turns (`bench.turns`), and reports (`bench.report`).
"""
