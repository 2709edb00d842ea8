"""Measure: a network, images and concepts become a run (tables, pictures, manifest)."""
