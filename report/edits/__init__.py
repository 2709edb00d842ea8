"""Edits to a generator on the pages of concepts and units."""
