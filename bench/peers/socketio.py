"""socket.io on Node.js, with its own rooms and acknowledgement callbacks."""

from .launch import of_node

PEER = of_node(
    "socketio",
    "relay on socket.io (Node.js): keeps nothing, an ack says that the server passed it on",
    "socketio",
    "socket.io@4.8.4",
    "bufferutil@4.1.0",  # for the ws below it
)
