"""Carries the legs of posts to the partitions where they belong, and settles them at home.

What is durable is in the store: the outboxes, and what arrived. A courier holds nothing that
another could not read there. Two at once do no harm, as arrivals are exactly once and in order.
"""

from .courier import Courier
from .ways import Ways

__all__ = ["Courier", "Ways"]
