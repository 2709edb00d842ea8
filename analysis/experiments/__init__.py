"""Experiments: one file for each question that is put to a network."""
