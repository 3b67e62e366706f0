"""`teller prove`: breaks a real cluster under real clients, and judges what became of it.

`command` is what the shell runs, `run` its course. The `stage` is what is broken (a cluster, hubs,
the lines between them), `plan` says when and how, `faults` does it. The `crowd` is a process of
clients that know the wire only; what they were promised they hold against what is written in the
end. `verdict` and `page` tell.
"""
