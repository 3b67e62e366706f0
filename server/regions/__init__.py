"""Regions: several stores with their hubs, far from each other, that make one Teller.

Every account and room has a home region. What is addressed across travels by the same lanes as
between partitions: the outbox is at home, the leg arrives over a link to a hub of the other region.
"""
