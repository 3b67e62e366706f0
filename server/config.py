"""Settings: every limit is a named number with its unit.

The command line, `TELLER_*` variables and a TOML file all end here; see docs/operations.md.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from protocol.frames import FRAME_BYTES_MAX, HISTORY_MAX, TEXT_CHARS_MAX, Deposit
from protocol.money import parse_money

Durability = Literal["replica", "disk", "everysec", "memory"]

PARTITIONS_MAX = 1024
"""Every pair of them is a lane that somebody looks at."""
WORKERS_MAX = 256
"""Beyond it stands a slip of the finger, not a machine."""

_POSITIVE = (
    "offer_days",
    *("frames_per_s", "frames_burst", "posts_per_s", "posts_burst", "connects_per_s"),
    *("connections_max", "outbox_bytes_max", "rooms_per_account", "ping_interval_s"),
    *("login_timeout_s", "drain_timeout_s", "argon2_time_cost", "registrations_per_h"),
    *("first_contacts_per_h", "first_contacts_new_per_h"),
)
"""Settings that make no sense as zero or less."""


class SettingsError(Exception):
    """A setting makes no sense; the message says which and why."""


@Parameter(name="*")
@dataclass(kw_only=True)
class Settings:
    """Everything that can be set."""

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for all."""
    port: int = 8765
    """Port to listen on; 0 takes a free one."""
    data: Path = Path("data")
    """Directory of the embedded store and the operator's token."""
    store: str | None = None
    """URL of your own store (redis://, rediss://, unix://); without it, an embedded one."""
    keys: str | None = None
    """Where the keys of people's words are: a directory (by default keys/ in the data directory),
    or the URL of another Valkey, for hubs of several machines. Never the store itself."""
    search: Annotated[bool, Parameter(negative="--no-search")] = True
    """Let people search; --no-search saves the process that keeps the index."""
    search_dir: Path | None = None
    """Directory of the search index, by default search/ in the data directory. Hubs of one machine
    and store may share it. It can be deleted at any time."""
    strangers: Literal["ask", "open"] = "ask"
    """What becomes of what strangers send: it waits until who gets it has accepted them (ask), or
    everybody is accepted who was not declined or blocked (open)."""
    partitions: int | None = None
    """Into how many parts a new store is divided, for ever; a cluster spreads them over its
    primaries. Without it: 1 on a single server, 16 on a cluster. More cost a little on one."""
    region: str | None = None
    """The region that this hub belongs to; needs --regions."""
    regions: Path | None = None
    """TOML file that tells all regions; the same in each of them."""
    workers: int | Literal["auto"] = 1
    """Hub processes that share the port; auto: one for each core."""
    durability: Durability = "disk"
    """replica: an ack means synced to the disks of the primary and of a replica; needs --store.
    disk: an ack means synced to disk. everysec: synced within a second, and the ack says
    memory. memory: nothing survives the store."""
    offer_days: int = 30
    """Days after which money that waits to be accepted goes back."""
    opening_balance: str | None = None
    """Play money that new accounts get, such as "100.00 USD"."""
    tls_cert: Path | None = None
    """Certificate chain (PEM); with --tls-key the hub speaks wss://."""
    tls_key: Path | None = None
    """Private key (PEM)."""
    origin: list[str] = field(default_factory=list)
    """A browser origin that may connect, such as https://chat.example; may be given again.
    Without any, all may. Clients that send no Origin always may."""
    rate_limits: Annotated[bool, Parameter(negative="--no-rate-limits")] = True
    """Token buckets for frames, posts and connects; --no-rate-limits is for load tests."""
    frames_per_s: float = 200.0
    """Frames per second and connection. A question about much counts as several: a page's 50
    entries, 4 conversations or 10 names as one more each."""
    frames_burst: int = 400
    """Frames that a connection may send at once."""
    posts_per_s: float = 50.0
    """Posts per second and account, over all its connections."""
    posts_burst: int = 200
    """Posts that an account may send at once."""
    connects_per_s: float = 500.0
    """New connections per second; more are asked to come later, each at another time. A fifth of it
    for one address."""
    registrations_per_h: int = 120
    """New accounts per hour and address."""
    first_contacts_per_h: int = 60
    """People whom an account may address for the first time in an hour (with --strangers ask)."""
    first_contacts_new_per_h: int = 10
    """The same for an account that is younger than a day."""
    proxies: list[str] = field(default_factory=list)
    """Address of a proxy before the hub, which tells by X-Forwarded-For where a client is; may be
    given again. Without it, all that comes through a proxy counts as one address."""
    connections_max: int = 100_000
    """Connections at the same time."""
    frame_bytes_max: int = FRAME_BYTES_MAX
    """Largest frame from a client, in bytes."""
    outbox_bytes_max: int = 1024 * 1024
    """What may wait for one slow reader before it is closed, in bytes."""
    rooms_per_account: int = 500
    """Rooms that one account may be in."""
    ping_interval_s: int = 20
    """Seconds between the hub's pings."""
    idle_timeout_s: int = 60
    """Seconds without anything, even a pong, before a connection is closed."""
    login_timeout_s: int = 30
    """Seconds a connection has to log in."""
    drain_timeout_s: float = 5.0
    """Seconds that posts have to finish when the hub stops."""
    argon2_time_cost: int = 2
    """Passes of argon2id per password."""
    argon2_memory_kib: int = 19_456
    """Memory of argon2id per password, in KiB (OWASP's minimum with two passes)."""
    log_format: Literal["console", "json"] = "console"
    """Log lines for people or for machines."""

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise SettingsError(f"--{name.replace('_', '-')} must be more than 0")
        if self.argon2_memory_kib < 8:
            raise SettingsError("--argon2-memory-kib must be 8 or more")
        if self.partitions is not None and not 1 <= self.partitions <= PARTITIONS_MAX:
            raise SettingsError(f"--partitions must be from 1 to {PARTITIONS_MAX}")
        if self.workers != "auto" and not 1 <= self.workers <= WORKERS_MAX:
            raise SettingsError(f"--workers must be from 1 to {WORKERS_MAX}, or auto")
        if (self.region is None) != (self.regions is None):
            raise SettingsError("--region and --regions go together")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise SettingsError("--tls-cert and --tls-key go together")
        if self.durability == "replica" and self.store is None:
            raise SettingsError(
                "--durability replica needs --store: the embedded store has no replica. "
                "`teller cluster` starts a cluster that has"
            )
        if self.idle_timeout_s <= self.ping_interval_s:
            raise SettingsError("--idle-timeout-s must be longer than --ping-interval-s")
        if not 1 <= self.frame_bytes_max <= FRAME_BYTES_MAX:
            raise SettingsError(f"--frame-bytes-max must be from 1 to {FRAME_BYTES_MAX}")
        if self.opening_balance is not None:
            parse_money(self.opening_balance)

    @property
    def processes(self) -> int:
        """How many hub processes there are to be."""
        if self.workers != "auto":
            return self.workers
        return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1

    @property
    def index_folder(self) -> Path:
        """Where the search index is."""
        return self.search_dir or self.data / "search"

    @property
    def scheme(self) -> Literal["ws", "wss"]:
        """Of the URL where clients connect."""
        return "wss" if self.tls_cert else "ws"

    @property
    def asks(self) -> bool:
        """Whether strangers must be accepted."""
        return self.strangers == "ask"

    def opening_deposit(self, name: str) -> Deposit | None:
        """The deposit that opens the account `name`, if there is one."""
        if self.opening_balance is None:
            return None
        amount, currency = parse_money(self.opening_balance)
        return Deposit(f"o:{name[1:]}", name, amount, currency, "opening balance")

    def announced_limits(self) -> dict[str, int]:
        """The limits that a `welcome` tells."""
        return {
            "frame_bytes": self.frame_bytes_max,
            "text_chars": TEXT_CHARS_MAX,
            "history": HISTORY_MAX,
            "rooms": self.rooms_per_account,
            "posts_per_s": int(self.posts_per_s) if self.rate_limits else 0,
            "offer_days": self.offer_days,
        }
