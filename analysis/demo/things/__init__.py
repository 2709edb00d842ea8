"""What stands in the scenes: each function draws one thing with its parts, in units of its own height."""
