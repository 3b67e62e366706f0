"""Who is there, who types, and what people say of themselves. Nothing of it is kept."""

from __future__ import annotations

from .events import Frame

TYPING_TICKS = 6
"""How long someone is shown as typing after they were heard, in ticks of a second."""


class People:
    """What we know of others just now."""

    def __init__(self) -> None:
        self.presence: dict[str, str] = {}
        """`online` or `away` by name; who is not here is not there, or does not say."""
        self.profiles: dict[str, Frame] = {}
        """What people and rooms said of themselves, by name."""
        self.unknown: set[str] = set()
        """Names that we asked about, and that nobody has, or that do not let us know."""
        self._typing: dict[str, dict[str, int]] = {}

    def typing(self, place: str) -> list[str]:
        """Who types in a conversation."""
        return list(self._typing.get(place, ()))

    def notice(self, notice: Frame, place: str) -> None:
        """Someone types in `place`, came or went."""
        who = notice["from"]
        if notice["type"] == "typing":
            self._typing.setdefault(place, {})[who] = TYPING_TICKS
        elif notice["type"] == "presence":
            self._present(who, notice.get("state", "online"))

    def spoke(self, who: str, place: str) -> None:
        """What was typed is there."""
        self._typing.get(place, {}).pop(who, None)

    def watched(self, report: Frame) -> None:
        """Who is there of all whom we watch."""
        self.presence = dict.fromkeys(report["online"], "online")
        self.presence |= dict.fromkeys(report["away"], "away")

    def described(self, asked: list[str], profiles: list[Frame]) -> None:
        """What people said of themselves, of all those whom we asked about."""
        found = {each["who"]: each for each in profiles}
        self.profiles |= found
        self.unknown = self.unknown.union(asked).difference(found)

    def renamed(self, topic: Frame) -> None:
        """A room has other words for itself, or other rules. What we never asked for stays so."""
        if topic["room"] not in self.profiles:
            return
        profile = self.profiles[topic["room"]]
        fields = (("name", "title"), ("about", "topic"), ("access", "access"), ("slow_s", "slow_s"))
        news = {name: topic[field] for name, field in fields if field in topic}
        self.profiles[topic["room"]] = profile | news

    def lost(self) -> None:
        """Without a connection nobody can be seen."""
        self.presence.clear()
        self._typing.clear()

    def tick(self) -> bool:
        """A second has gone; whether anything is to be seen of it."""
        before = sum(map(len, self._typing.values()))
        for place, who in self._typing.items():
            self._typing[place] = {name: left - 1 for name, left in who.items() if left > 1}
        return sum(map(len, self._typing.values())) != before

    def _present(self, who: str, state: str) -> None:
        if state == "offline":
            self.presence.pop(who, None)
        else:
            self.presence[who] = state
