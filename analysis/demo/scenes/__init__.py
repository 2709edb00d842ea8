"""How the scenes are composed, from the sky to the foreground."""
