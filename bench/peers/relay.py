"""The plain relay: what fifty lines on `websockets` do, with its own `broadcast()`."""

from .launch import of_our_own

PEER = of_our_own(
    "relay",
    "plain relay on websockets (Python): keeps nothing, an ack says that the server passed it on",
    "json-plain",
    "relay.py",
)
