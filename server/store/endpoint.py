"""Where the store is: the operator's URL as a value, and the store's one kind of error."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

Durability = Literal["replica", "disk", "everysec", "memory"]
"""What an acknowledged post survives: a crash of the machine (`disk`), the same but for about the
last second (`everysec`), or nothing (`memory`)."""

DEFAULT_PORT = 6379

_TCP_SCHEMES = {"redis": False, "valkey": False, "rediss": True, "valkeys": True}


class StoreError(Exception):
    """The store cannot be used. The message is for people and says what to do."""


@dataclass(frozen=True)
class Endpoint:
    """How to reach a store: `host` and `port`, or `unix_path`. Its text hides the password.

    Of a cluster, `others` are more nodes to ask for its topology.
    """

    host: str = "localhost"
    port: int = DEFAULT_PORT
    unix_path: str | None = None
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0
    others: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        if self.unix_path is not None:
            return f"unix://{self.unix_path}?db={self.database}"
        hosts = ",".join(_host_text(*one) for one in ((self.host, self.port), *self.others))
        user = f"{self.username}@" if self.username else ""
        return f"{'rediss' if self.tls else 'redis'}://{user}{hosts}/{self.database}"

    def at(self, host: str, port: int) -> Endpoint:
        """Another server with the same way in."""
        return replace(self, host=host, port=port, unix_path=None, others=())

    def seeds(self) -> list[Endpoint]:
        """Every server that was named, each by itself."""
        return [replace(self, others=()), *(self.at(*other) for other in self.others)]


def parse_url(url: str) -> Endpoint:
    """The endpoint that `url` names.

    Understands ``redis://[user[:password]@]host[:port][,host[:port]…][/database]``, ``rediss://``
    (TLS), ``valkey://`` and ``valkeys://`` alike, and
    ``unix://[user:password@]/path/to/socket[?db=0]``. Several hosts are nodes of one cluster.

    Raises:
        StoreError: if the URL is none of these. The message never repeats the password.
    """
    try:
        parts = urlsplit(url.strip())
        hosts = [(one.hostname, one.port) for one in _each_host(parts)]
    except ValueError:
        raise StoreError("the store's URL is not a URL (is a bracket or the port wrong?)") from None
    options = _options(parts)
    if parts.scheme == "unix":
        return _unix_endpoint(parts, options)
    if parts.scheme not in _TCP_SCHEMES:
        raise StoreError(
            "the store's URL must begin with redis://, rediss://, valkey://, valkeys:// or "
            f"unix://, not with {parts.scheme!r}"
        )
    named = [(host, DEFAULT_PORT if port is None else port) for host, port in hosts if host]
    if len(named) < len(hosts):
        raise StoreError("the store's URL names no host; write it like redis://localhost:6379")
    return Endpoint(
        *named[0],
        tls=_TCP_SCHEMES[parts.scheme],
        username=_decoded(parts.username),
        password=_decoded(parts.password),
        database=_database(parts.path.strip("/") or options.get("db", "0")),
        others=tuple(named[1:]),
    )


def _each_host(parts: SplitResult) -> list[SplitResult]:
    """The URL with each of its hosts alone, so that each is read by the rules of one."""
    return [parts._replace(netloc=one) for one in parts.netloc.rpartition("@")[2].split(",")]


def _host_text(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _unix_endpoint(parts: SplitResult, options: dict[str, str]) -> Endpoint:
    if parts.hostname or not parts.path.startswith("/"):
        raise StoreError("a unix:// URL needs an absolute path: unix:///path/to/socket")
    return Endpoint(
        unix_path=unquote(parts.path),
        username=_decoded(parts.username),
        password=_decoded(parts.password),
        database=_database(options.get("db", "0")),
    )


def _options(parts: SplitResult) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(options.keys() - {"db"})
    if unknown or parts.fragment:
        name = unknown[0] if unknown else "#"
        raise StoreError(f"the store's URL has an option that means nothing here: {name!r}")
    return options


def _database(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise StoreError("the database in the store's URL must be a number, such as 0")
    return int(text)


def _decoded(text: str | None) -> str | None:
    return unquote(text) if text else None
