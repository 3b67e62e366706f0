"""The clients of the proof, in a process of their own, and what they find wrong."""
