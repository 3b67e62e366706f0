"""From posts to the store and back: one call for many, answered in order."""
