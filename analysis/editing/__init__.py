"""Editing a generator: its units, ranked for each concept, are ablated or forced on, and its images generated again."""
