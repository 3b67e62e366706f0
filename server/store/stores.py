"""All partitions of the store, wherever they lie: on one server, or on the primaries of a cluster.

```python
stores = await open_stores(endpoint, slots, watch)
await stores.start()
stores.channel(3).send(…)
```
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from .connection import Channel, Refused, Wire
from .endpoint import Endpoint
from .link import LinkEvents, StoreLink
from .partition import Partition, Watch


class Stores(LinkEvents):
    """The partitions of a store and the links to its servers. This one has a single server."""

    patience_s = 0.0
    """How long a request waits for its partition to be found; see `Partition`."""

    def __init__(self, endpoint: Endpoint, slots: Sequence[int], watch: Watch) -> None:
        self._endpoint = endpoint
        self._watch = watch
        self._slots = slots
        """The hash slot of each partition."""
        self._partitions = [
            Partition(number, watch, self.doubt, self.patience_s) for number in range(len(slots))
        ]
        self._links: dict[Endpoint, StoreLink] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.message = watch.on_message  # type: ignore[method-assign]  # one call less per message

    @property
    def partitions(self) -> int:
        """How many there are."""
        return len(self._partitions)

    @property
    def up(self) -> bool:
        """Whether commands can be sent to every partition."""
        return all(partition.up for partition in self._partitions)

    def channel(self, partition: int) -> Channel:
        """The channel of a partition; it stays the same when the partition moves."""
        return self._partitions[partition]

    def links(self) -> list[StoreLink]:
        """One link per primary that can be reached, for scans and what concerns a server."""
        return [link for link in self._links.values() if link.up]

    async def start(self) -> None:
        """Connect, prepare every partition, and stay connected until `stop`.

        Raises:
            OSError, Lost, Refused, TimeoutError, StoreError: if that fails; and what the
                preparations raise.
        """
        link = self._link_to(self._endpoint)
        for partition in self._partitions:
            partition.link = link
        await link.start()
        try:
            for partition in self._partitions:
                await partition.enter()
        except BaseException:
            await link.stop()
            raise
        self._keep_up()

    async def stop(self) -> None:
        """Close the connections; commands without a reply are told `Lost`."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(link.stop() for link in self._links.values()))

    def doubt(self) -> None:
        """Something does not lie where it was believed to; a single server has nothing to doubt."""

    def _link_to(self, endpoint: Endpoint) -> StoreLink:
        link = self._links.get(endpoint)
        if link is None:
            link = self._links[endpoint] = StoreLink(endpoint, self)
        return link

    def _keep_up(self) -> None:
        self._tasks += [asyncio.create_task(partition.keep_up()) for partition in self._partitions]

    def _partitions_at(self, link: StoreLink) -> list[Partition]:
        return [partition for partition in self._partitions if partition.link is link]

    # What the links tell.

    async def prepare_node(self, wire: Wire) -> None:
        await self._watch.prepare_node(wire)

    def link_up(self, link: StoreLink) -> None:
        for partition in self._partitions_at(link):
            partition.assign(link)

    def link_down(self, link: StoreLink) -> None:
        for partition in self._partitions_at(link):
            partition.fall()
        self.doubt()

    def refused(self, link: StoreLink, refused: Refused) -> None:
        pass

    def unsubscribed(self, link: StoreLink, name: bytes) -> None:
        for partition in self._partitions_at(link):
            if partition.unsubscribed(name):
                self.doubt()
                break
