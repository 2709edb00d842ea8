"""Charts: their SVG, their paths, their scales."""
