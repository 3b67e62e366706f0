"""Runs a hub, or several, in the foreground: start, say where, wait for a signal, drain, stop."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable

import uvloop

from .app import App
from .config import Settings, SettingsError
from .ledger.library import LibraryError
from .logs import configure_logs
from .store.endpoint import StoreError, parse_url
from .workers.fleet import Fleet


def run(settings: Settings) -> int:
    """Run until SIGINT or SIGTERM; the exit code."""
    configure_logs(settings.log_format)
    try:
        uvloop.run(_serve(settings))
    except (SettingsError, StoreError, LibraryError) as error:
        print(f"teller: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stop.set)
    app: App | Fleet = App(settings) if settings.processes == 1 else Fleet(settings)
    await app.start()
    loop.add_signal_handler(signal.SIGHUP, _hang_up_handler(app, stop))
    print(greeting(app), flush=True)
    await stop.wait()
    print("Stopping: finishing what is on its way ...", flush=True)
    for one in (signal.SIGINT, signal.SIGTERM):  # a second Ctrl-C does not wait
        loop.remove_signal_handler(one)
    await app.stop()
    kept = settings.durability != "memory"
    print(f"Stopped.{' Everything acknowledged is on disk.' if kept else ''}", flush=True)


def _hang_up_handler(app: App | Fleet, stop: asyncio.Event) -> Callable[[], None]:
    """SIGHUP asks for a rolling restart, unless it tells that our terminal is gone."""
    terminal = sys.stdin is not None and sys.stdin.isatty()

    def hang_up() -> None:
        if isinstance(app, App) or (terminal and not sys.stdin.isatty()):
            stop.set()
        else:
            app.roll()

    return hang_up


def greeting(app: App | Fleet) -> str:
    """What a newcomer wants to know."""
    settings = app.settings
    own = f"your store {parse_url(settings.store)}" if settings.store else None
    where = own or f"{settings.data.resolve()}"
    url = app.url.replace("//0.0.0.0", "//127.0.0.1")
    lines = [
        "",
        f"  Teller listens on {app.url}",
        f"  Data is in {where} ({_promise(settings)})",
    ]
    if settings.processes > 1:
        lines.append(f"  {settings.processes} workers share the port; SIGHUP replaces them in turn")
    if settings.region is not None:
        lines.append(f"  It is of region {settings.region}; {settings.regions} tells the others")
    if settings.opening_balance:
        lines.append(f"  New accounts get play money: {settings.opening_balance}")
    port = "" if url == "ws://127.0.0.1:8765/ws" else f" --url {url}"
    lines += [
        f"  Chat in a second terminal:  .venv/bin/teller chat --as alice{port}",
        f"  and in a third one:         .venv/bin/teller chat --as bob{port}",
        "  Ctrl-C stops it.",
        "",
    ]
    return "\n".join(lines)


def _promise(settings: Settings) -> str:
    return {
        "replica": "every ack is synced to two disks",
        "disk": "every ack is synced to disk",
        "everysec": "synced once a second; a crash can lose the last second",
        "memory": "in memory only; nothing survives a stop of the store",
    }[settings.durability]
