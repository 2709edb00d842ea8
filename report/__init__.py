"""Render: a run (tables, pictures, manifest) becomes a static site. Nothing here needs torch."""
