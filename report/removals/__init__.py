"""Removed units of a classifier: the pages of classes, and parts of others."""
