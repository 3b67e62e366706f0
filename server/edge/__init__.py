"""The edge: connections, their bytes and frames, and how much of them there may be."""
