"""The pages of every run: overview, layers, units, concepts, gallery, data."""
