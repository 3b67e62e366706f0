"""A planet between regions: what bytes meet on their way from one to another.

`delays.toml` says how far apart regions are. `line` is a process that stands between their hubs
and carries the bytes of TCP connections with those delays; `netns` does the same to packets, with
the kernel's own TCP at both ends, where it may. `clients` load the hubs of all regions from one
process, so that one clock times both ends of everything. `two_phase` is what the regions are held
against.
"""
