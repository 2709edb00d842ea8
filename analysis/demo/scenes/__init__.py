"""The composition of the scenes, from the sky to the foreground."""
