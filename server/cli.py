"""The command line: `teller serve`, `chat`, `cluster`, `bench`, `prove`, `admin`, `doctor`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter
from cyclopts.config import Env, Toml

from protocol.money import MoneyError

from . import __version__, cli_keys, cli_lanes
from .cli_keys import DEFAULT_DATA, Data, Keys, StoreUrl
from .config import Settings, SettingsError
from .store.endpoint import StoreError

app = App(name="teller", help="A chat server in which a payment is just another frame.")
app.version = __version__
admin = App(name="admin", help="What the operator of a hub does.")
app.command(admin)

DEFAULT_URL = "ws://127.0.0.1:8765/ws"
Url = Annotated[str, Parameter(env_var="TELLER_URL")]


@app.command
def serve(
    settings: Annotated[Settings, Parameter(name="*")] | None = None,
    config: Path | None = None,
) -> int:
    """Run a hub; Ctrl-C stops it.

    Every flag can also be a TELLER_* variable (TELLER_PORT=9000) or a line of a TOML file
    (port = 9000, given by --config). Flags win over variables, variables over the file.

    Parameters
    ----------
    config
        TOML file with settings.
    """
    from .serve import run

    del config  # read before the flags were parsed, see `main`
    return run(settings or Settings())


@app.command
def chat(
    *,
    as_: Annotated[str, Parameter(name="--as")],
    url: Url = DEFAULT_URL,
    plain: bool = False,
    ca: Path | None = None,
) -> int:
    """Chat and pay in the terminal.

    Asks for the password (or takes TELLER_PASSWORD); registers on first use. Later it uses the
    token it kept under ~/.local/share/teller, until /logout.

    Parameters
    ----------
    as_
        Your handle, such as alice.
    url
        The hub.
    plain
        Lines instead of a screen, for pipes.
    ca
        A certificate authority (PEM) to trust for wss://.
    """
    from client_demo.cli import run_chat

    return run_chat(as_.lstrip("@"), url, plain=plain, ca=ca)


@admin.command
def deposit(
    account: str,
    amount: str,
    currency: str,
    *,
    text: str | None = None,
    id: str | None = None,
    url: Url = DEFAULT_URL,
    data: Data = DEFAULT_DATA,
) -> int:
    """Put money from $world into an account: teller admin deposit @alice 25.00 USD.

    Parameters
    ----------
    account
        Who gets it, such as @alice.
    amount
        How much, such as 25.00.
    currency
        Of what, such as USD.
    text
        Words that go with it.
    id
        Idempotency key: the same deposit with the same id happens once.
    url
        The hub.
    data
        The hub's data directory, where the operator's token is.
    """
    from .commands.operator import deposit as run

    return run(url, data, account, f"{amount} {currency}", text, id)


@admin.command
def freeze(
    account: str,
    *,
    lift: bool = False,
    url: Url = DEFAULT_URL,
    data: Data = DEFAULT_DATA,
) -> int:
    """Let no money in or out of an account.

    Parameters
    ----------
    account
        Whose, such as @alice.
    lift
        Let money in and out again.
    url
        The hub.
    data
        The hub's data directory, where the operator's token is.
    """
    from .commands.operator import freeze as run

    return run(url, data, account, frozen=not lift)


@admin.command
def suspend(
    account: str,
    *,
    lift: bool = False,
    url: Url = DEFAULT_URL,
    data: Data = DEFAULT_DATA,
) -> int:
    """Lock an account out: its connections are closed, and nothing can be sent to it.

    Parameters
    ----------
    account
        Whose, such as @alice.
    lift
        Let it in again; its devices are still logged in.
    url
        The hub.
    data
        The hub's data directory, where the operator's token is.
    """
    from .commands.operator import suspend as run

    return run(url, data, account, suspended=not lift)


@admin.command
def audit(
    *,
    data: Data = DEFAULT_DATA,
    store: StoreUrl = None,
) -> int:
    """Check the books: conservation, and a full replay of every mailbox. 0 if they balance.

    Works while the hub runs; if it does not, starts the embedded store for the time being.

    Parameters
    ----------
    data
        The hub's data directory.
    store
        URL of your own store, if the hub uses one.
    """
    from .commands.books import run

    return run(data, store)


@admin.command
def backup(
    copy: Path,
    *,
    data: Data = DEFAULT_DATA,
) -> int:
    """Copy the data of a hub, running or not, to a new directory.

    Parameters
    ----------
    copy
        Where to; must not be there yet.
    data
        The hub's data directory.
    """
    from .commands.backup import backup as run

    return run(data, copy)


admin.command(cli_keys.backup_keys)
admin.command(cli_keys.restore_keys)
admin.command(cli_keys.lost_keys)
admin.command(cli_lanes.lanes)
admin.command(cli_lanes.mend_lane)


@admin.command
def reindex(
    *,
    data: Data = DEFAULT_DATA,
    search_dir: Annotated[Path | None, Parameter(env_var="TELLER_SEARCH_DIR")] = None,
) -> int:
    """Throw the search index away. Running hubs notice, and make it again from the mailboxes.

    Parameters
    ----------
    data
        The hub's data directory.
    search_dir
        Directory of the search index, if the hub has --search-dir.
    """
    from .search.database import reindex as run

    return run(search_dir or data / "search")


@admin.command
def restored(
    *,
    data: Data = DEFAULT_DATA,
    store: StoreUrl = None,
) -> int:
    """Say that the data were restored from a backup: run it before the hub starts on them.

    Changes the epoch, so that clients read their mailboxes anew instead of mixing two pasts.

    Parameters
    ----------
    data
        The hub's data directory.
    store
        URL of your own store, if the hub uses one.
    """
    from .commands.backup import restored as run

    return run(data, store)


@admin.command
def enroll(
    *,
    region: str,
    regions: Path,
    data: Data = DEFAULT_DATA,
    store: StoreUrl = None,
) -> int:
    """Tell the directory of all regions every account and room of this one.

    Needed once where accounts were there before the regions, and in each region when the list of
    regions has changed. May be repeated. The hubs run meanwhile, without clients.

    Parameters
    ----------
    region
        This region.
    regions
        TOML file that tells all regions.
    data
        The hub's data directory.
    store
        URL of your own store, if the hub uses one.
    """
    from .regions.enroll import run

    return run(region, regions, data, store)


@app.command
def cluster(
    *,
    data: Path = Path("cluster"),
    primaries: int = 3,
    replicas: int = 1,
    port: int = 7000,
    node_timeout_ms: int = 5000,
) -> int:
    """Run a store of several servers on this machine; Ctrl-C stops it.

    For development, tests and benches. Anybody with an account on this machine can connect to it.

    Parameters
    ----------
    data
        Where the data are, with a folder for each server.
    primaries
        Servers that share the data, at least 3.
    replicas
        Servers that copy each primary, ready to take over.
    port
        The first server's; the others have the next ones. Each also listens on its port + 10000.
    node_timeout_ms
        Milliseconds without an answer after which a replica takes over.
    """
    from .commands.run_cluster import run

    return run(data, primaries, replicas, port, node_timeout_ms)


@app.command
def doctor(
    *,
    data: Data = DEFAULT_DATA,
    store: StoreUrl = None,
    keys: Keys = None,
) -> int:
    """Check this machine: Python, limits, store, keys, data directory, clock.

    Parameters
    ----------
    data
        The hub's data directory.
    store
        URL of your own store, if the hub uses one.
    keys
        Directory or URL of the keys of people's words, if the hub has --keys.
    """
    import asyncio

    from .commands.doctor import run_doctor

    return asyncio.run(run_doctor(data, store, print, keys))


def _config_file(arguments: list[str]) -> str | None:
    """The file named by --config or TELLER_CONFIG; it must be known before flags are parsed."""
    for place, argument in enumerate(arguments):
        if argument == "--config" and place + 1 < len(arguments):
            return arguments[place + 1]
        if argument.startswith("--config="):
            return argument.partition("=")[2]
    return os.environ.get("TELLER_CONFIG")


def main() -> None:
    """Run the command that the arguments name."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["bench"]:
        from bench.cli import app as bench

        app.command(bench, name="bench")
    elif arguments[:1] == ["prove"]:
        from bench.prove.command import app as prove

        app.command(prove, name="prove")
    elif arguments[:1] in ([], ["--help"], ["-h"]):
        app.command(_bench_help, name="bench")
        app.command(_prove_help, name="prove")
    sources: list[Env | Toml] = [Env("TELLER_", command=False)]
    file = _config_file(arguments) if arguments[:1] == ["serve"] else None
    if file is not None:
        sources.append(Toml(file, must_exist=True, use_commands_as_keys=False))
    app["serve"].config = tuple(sources)
    try:
        code = app(arguments)
    except (SettingsError, StoreError, MoneyError) as error:
        print(f"teller: {error}", file=sys.stderr)
        code = 2
    except CycloptsError:
        code = 2
    except KeyboardInterrupt:
        code = 130
    sys.exit(code if isinstance(code, int) else 0)


def _bench_help() -> None:
    """Measure a hub, beside its peers and beside the limit: list, setup, run, check."""


def _prove_help() -> None:
    """Break a real cluster under real clients, and judge what became of it."""
