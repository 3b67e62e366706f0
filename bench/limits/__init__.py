"""What nothing here can beat: the store, the transport, the loopback and the disk, each alone.

They are measured in the same run as what stands on them, and answer in the generator's form. The
relay on the hub's own transport is one more; the generator drives it, so it is a peer (`bare`).
"""

from __future__ import annotations

LIMITS = {
    "store": "the ledger's function driven straight by a pipelined raw client: no hub, no clients",
    "bare": "a relay on the hub's own transport, codec and outboxes: no store, no session (a peer)",
    "echo websocket": "frames to the hub's transport and back, not even decoded",
    "echo tcp": "bytes over the loopback and back, on the same event loop",
    "fdatasync": "appends made durable one after another, on the disk of the data directories",
}
"""The limits, each in a line."""
