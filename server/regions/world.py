"""All that a hub has to do with other regions, joined."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from ..courier.ends import End
from .arriving import Arriving
from .directory import Directory
from .door import Answering, Answers
from .far import Far
from .frames import Arrive, Claim, Ends, Find
from .homes import Homes
from .keys import FarKeys
from .link import Link
from .mirrors import Mirrors
from .places import Places
from .roaming import Roaming
from .rooms import Rooms
from .survey import Survey

if TYPE_CHECKING:
    from ..courier.ways import Ways
    from ..edge.transport import Connection
    from ..services import Services


class World:
    """The other regions, seen from this hub."""

    def __init__(self, services: Services, places: Places, ways: Ways) -> None:
        self.places = places
        self.own = places.own
        self._services = services
        self.links = {one.name: Link(places, one) for one in places.others}
        self._doors = Answers(places)
        self.directory = Directory(ways, places, self.links)
        self.homes = Homes(services, self.directory)
        self.surveys = {
            one.name: Survey(services, self.own, one, self.links[one.name]) for one in places.others
        }
        for name, survey in self.surveys.items():
            self.links[name].on_up.append(survey.push)
        arriving = Arriving(services)
        self.answers[Arrive] = arriving.arrive
        self.answers[Ends] = arriving.ends
        self.answers[Find] = self.directory.answer_find
        self.answers[Claim] = self.directory.answer_claim
        self.roaming = Roaming(services, self)
        self.rooms = Rooms(services, self)
        self.mirrors = Mirrors(services, self)
        FarKeys(services.seals, self)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def answers(self) -> dict[type[Any], Answering]:
        """How each kind of question of another region is answered."""
        return self._doors.by_kind

    @property
    def meet(self) -> Callable[[Connection], Any]:
        """Makes the guest of a connection of another region's hub."""
        return self._doors.meet

    def end(self, source: int, dest: str) -> End:
        """The end, in another region, of the lane from our partition `source`."""
        region, _, number = dest.partition(".")
        label, seals = f"{self.own}.{source}", self._services.seals
        return Far(self.links[region], label, int(number), self.directory, seals)

    def start(self) -> None:
        """Connect, and stay connected."""
        for link in self.links.values():
            self._run(link.run())
        for survey in self.surveys.values():
            self._run(survey.run())
        self._run(self.mirrors.run())

    async def stop(self) -> None:
        """Leave the other regions."""
        await self.roaming.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _run(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
