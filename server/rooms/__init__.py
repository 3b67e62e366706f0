"""What a hub knows of rooms: who is in them, and how fast they go."""
