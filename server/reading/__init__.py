"""Reading what was written: pages, lists, what entries say of entries."""
