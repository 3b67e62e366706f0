"""The parts of the screen. Each shows a part of the model and changes nothing in it."""
