"""The load generator: a WebSocket client by hand, fast enough not to be what is measured.

It runs in a process of its own (`bench.load.worker`), which takes commands as JSON lines. It
shares no code with the hub: frames are encoded by `orjson` and `msgpack`, headers are written and
read here.
"""
