"""How a process writes its log."""

from __future__ import annotations

import logging
import sys

import orjson
import structlog


def configure_logs(form: str, **fields: str) -> None:
    """Log lines to stderr, for people or as JSON, with `fields` in each. Never one per message."""
    shared: list[structlog.typing.Processor] = [
        lambda _logger, _method, event: {**event, **fields},
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if form == "json":
        structlog.configure(
            processors=[
                *shared,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(serializer=orjson.dumps),
            ],
            logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        )
        return
    console = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(),
        exception_formatter=structlog.dev.plain_traceback,  # others print variables: passwords too
    )
    structlog.configure(
        processors=[*shared, console],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    logging.getLogger("websockets").setLevel(logging.ERROR)
