"""Search in one's own mailboxes: a worker process of each hub keeps an index of keyed hashes.

The index is SQLite FTS5, fed from the mailboxes, shared by the workers of a machine, and holds no
word in the clear. It can be thrown away at any time: it is made again from the store.
"""
