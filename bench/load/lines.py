"""A process that obeys: commands in as JSON lines, answers out as JSON lines."""

from __future__ import annotations

import asyncio
import sys

import orjson

LINE_BYTES_MAX = 2**20


async def obey(worker: object) -> None:
    """Call the coroutines of `worker` that the lines name, until standard input is closed.

    A line is ``{"do": name, ...arguments}``; the answer is what the coroutine returns, or
    ``{"failed": words}``.
    """
    reader = asyncio.StreamReader(limit=LINE_BYTES_MAX)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        order = orjson.loads(line)
        command = getattr(worker, order.pop("do"))
        try:
            answer = await command(**order) or {}
        except Exception as error:  # the parent decides; it needs the words
            answer = {"failed": f"{type(error).__name__}: {error}"}
        try:
            sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
            sys.stdout.buffer.flush()
        except BrokenPipeError:  # the parent was killed
            return
