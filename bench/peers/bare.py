"""The floor of Teller's own shape: its transport, codec and outboxes, with nothing behind them."""

from .launch import of_our_own

PEER = of_our_own(
    "bare",
    "relay on Teller's own transport: keeps nothing, an ack says that the server passed it on",
    "json-plain",
    "bare.py",
)
