"""`ws`, the WebSocket library that most of Node.js stands on."""

from .launch import of_node

PEER = of_node(
    "ws",
    "relay on ws (Node.js): keeps nothing, acknowledges nothing",
    "json-noack",
    "ws@8.23.0",
    "bufferutil@4.1.0",  # unmasks natively, as its documentation advises
)
