"""Teller's terminal client: an outside client that knows the wire and nothing of the hub.

The flow is one way: ``link`` (socket) → ``session`` (what was sent and seen) → ``events`` →
``model`` (conversations) → the screen of ``app``, the lines of ``plain``, or the ``demo``.
"""
