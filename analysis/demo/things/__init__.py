"""The things in the scenes: each function draws one thing with its parts, in units of the thing's height."""
