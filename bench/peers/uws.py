"""uWebSockets: C++ behind a thin layer of Node.js, the limit that fan-out is held against."""

from .launch import of_node

PEER = of_node(
    "uws",
    "relay on uWebSockets (C++ in Node.js), rooms by publish: keeps nothing, acknowledges nothing",
    "json-noack",
    "uwebsockets@3.0.6",  # a repack of uWebSockets.js, which has no npm package of its own
)
