"""PostgreSQL whose answers do not wait for the disk, the like of Teller's ``everysec``: a crash may
lose the last of what was answered, that of up to three times ``wal_writer_delay`` (200 ms)."""

from .postgresql import peer

PEER = peer("postgresql-async", "an answer says that it will be on disk soon", "async", "off")
