"""Several hub processes on one port: a parent that starts, watches and replaces its workers.

`fleet` is the parent, `slot` keeps one place in it filled, `process` is the parent's side of one
worker process and `worker` the process' own; they talk by `messages` over a `pipe`.
"""
