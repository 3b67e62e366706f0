"""python-socketio on uvicorn: socket.io's protocol from a Python server."""

from .launch import of_python

PEER = of_python(
    "python-socketio",
    "relay on python-socketio (uvicorn): keeps nothing, an ack says that the server passed it on",
    "socketio",
    "python_socketio_relay.py",
    "python-socketio==5.18.1",
    "uvicorn==0.54.0",
    "uvloop==0.23.0",
    "httptools==0.9.0",
    "websockets==17.4",
)
