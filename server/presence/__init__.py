"""Who is there, and who types: never stored, coalesced, and the first thing to be dropped."""
