"""Painting with the units of a generator."""
