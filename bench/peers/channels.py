"""Django Channels on uvicorn, with its layer in memory: the quickest there is for one process."""

from .launch import of_python

PEER = of_python(
    "channels",
    "relay on Django Channels (uvicorn): keeps nothing, an ack says that its layer took it",
    "json-plain",
    "channels_relay.py",
    "channels==4.3.2",
    "django==5.2.19",
    "uvicorn==0.54.0",
    "uvloop==0.23.0",
    "httptools==0.9.0",
    "websockets==17.4",
)
