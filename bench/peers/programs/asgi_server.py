"""One uvicorn worker for an ASGI application, set up to be quick.

Tuned: uvloop and httptools, no compression, no pings of its own, no access log, a deep backlog.
"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn


def serve(app: Any) -> None:
    """Serve on the port that the command line names, until the process is ended."""
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="off",
        log_level="error",
        backlog=4096,
    )
