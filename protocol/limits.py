"""The limits of frames: how long, how many. A client holds to them without knowing the schema."""

from __future__ import annotations

FRAME_BYTES_MAX = 128 * 1024
"""Largest frame that a hub takes from a client, in bytes. IRC lives with 512, Centrifugo with
64 KiB. What a hub sends can be larger (an entry grows by its place, a page holds many): clients
should take 1 MiB."""
TEXT_CHARS_MAX = 65_536
"""Longest text of an entry, in characters."""
HISTORY_MAX = 200
"""Most entries, or members, that one page holds."""
CURSORS_MAX = 1_000
"""Most boxes that one `hello` may name."""
PASSWORD_CHARS_MIN = 8
PASSWORD_CHARS_MAX = 256
MENTIONS_MAX = 50
"""Most people that one entry may mention."""
TITLE_CHARS_MAX = 64
"""Longest title of a room, or name that a person shows, in characters."""
TOPIC_CHARS_MAX = 512
"""Longest topic of a room, or status text of a person, in characters."""
QUERY_CHARS_MAX = 256
"""Longest search, in characters."""
PROFILES_MAX = 200
"""Most profiles that one frame asks for."""
WATCHED_MAX = 500
"""Most people whose presence one connection watches."""
LIFETIME_S_MAX = 366 * 86_400
"""Longest time that a frame may name, in seconds."""
